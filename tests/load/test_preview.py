"""A preview tells what a load would do, and does nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.wire.codec import Row
from connector.wire.jobs import Blank, Mode, Reference, Target
from connector.wire.reports import BatchRef
from tests.load.conftest import batch, layout
from workers.load import preview, tables

GROUPS = layout("CustGroup", "CustGroup", "Name", "PaymTermId", key=("CustGroup",))


@pytest.fixture
def look(ax):
    """Previews rows: `look(layout, rows, mode=...)`. Nothing may have been written by it."""

    def run(layout, rows, **more):
        before = ax.stats()
        held = ax.records(layout.table)
        message = batch(layout, rows, **{"preview": True} | more)
        result = preview.run(message, open_port=lambda target: ax.open(target.service.removesuffix("Service")))
        after = ax.stats()
        for counted in ("rows_created", "rows_updated", "duplicates_refused"):
            assert after[counted] == before[counted]
        assert ax.records(layout.table) == held
        return result

    return run


def terms(*ask: str, step: int = 1) -> Reference:
    target = Target(address="", port="RapidStart", service="PaymTermService", contract="")
    return Reference(step=step, field="PaymTermId", target=target, table="PaymTerm", key="PaymTermId", ask=ask)


def test_it_tells_what_would_be_created_updated_or_left_as_it_is(load, look):
    load(GROUPS, [["10", "Wholesale", ""], ["20", "Retail", ""]])
    rows = [["10", "Wholesale", ""], ["20", "Renamed", ""], ["30", "New", ""]]
    assert look(GROUPS, rows).outcomes.letters == "=uc"
    assert load(GROUPS, rows).outcomes.letters == "=uc", "and so does the load"


@pytest.mark.parametrize(("mode", "letters"), [(Mode.UPDATE, "=f"), (Mode.DELETE, "ds"), (Mode.CREATE, "fc")])
def test_it_tells_what_each_mode_would_do(load, look, mode, letters):
    load(GROUPS, [["10", "Wholesale", ""]])
    rows = [["10", "Wholesale", ""], ["30", "New", ""]]
    assert look(GROUPS, rows, mode=mode).outcomes.letters == letters
    assert load(GROUPS, rows, mode=mode).outcomes.letters == letters, "and so does the load"


def test_a_guessed_key_proves_nothing(load, look):
    load(GROUPS, [["10", "Wholesale", ""]])
    assert look(GROUPS, [["10", "Other", ""]], mode=Mode.CREATE, guessed=True).outcomes.letters == "c"


def test_what_the_ports_schema_refuses_is_told(look):
    result = look(GROUPS, [["10", "x" * 21, ""], ["", "no key", ""], ["12", "fits", ""]])
    assert result.outcomes.letters == "ffc"
    assert result.outcomes.problems[0].field == "Name"


def test_a_row_fails_that_refers_to_what_ax_does_not_have(load, look):
    load(layout("PaymTerm", "PaymTermId", "Description", key=("PaymTermId",)), [["N030", "30 days"]])
    rows = [["10", "a", "n030"], ["20", "b", "N060"], ["30", "c", ""]]
    result = look(GROUPS, rows, references=(terms("n030", "N060"),))
    assert result.outcomes.letters == "cfc"
    (problem,) = result.outcomes.problems
    assert (problem.field, problem.value, problem.code) == ("PaymTermId", "N060", "RSC-3310")
    assert "PaymTerm 'N060', which is neither in AX nor earlier in the package" in problem.message
    assert problem.advice
    assert load(GROUPS, rows).outcomes.letters == "cfc", "and so does the load"


def test_what_the_package_brings_itself_is_not_asked_for(look):
    assert look(GROUPS, [["10", "a", "N999"]], references=(terms("N060"),)).outcomes.letters == "c"


def test_a_reference_that_cannot_be_looked_up_is_left_open_and_said(look):
    nowhere = terms("N060").model_copy(update={"key": "Unknown"})
    result = look(GROUPS, [["10", "a", "N060"]], references=(nowhere,))
    assert result.outcomes.letters == "c"
    assert any("was not looked up" in line for line in result.log)


def test_it_goes_on_where_an_earlier_attempt_ended(look):
    first = look(GROUPS, [["10", "a", ""], ["20", "b", ""]]).outcomes
    again = look(GROUPS, [["10", "a", ""], ["20", "b", ""]], so_far=first)
    assert (again.outcomes.letters, again.calls) == ("cc", 0)


def test_a_load_that_was_told_to_preview_writes_nothing_whoever_calls_it(ax, look):
    message = batch(GROUPS, [["10", "a", ""]], preview=True)

    def ask(*_):
        raise AssertionError("a preview asks for no leave")

    assert tables.run(message, port=ax.open("CustGroup"), ask=ask).outcomes.letters == "c"
    assert ax.records("CustGroup") == []


JOURNALS = layout(
    "Journal",
    "JournalNum",
    "Name",
    key=("JournalNum",),
    children=(layout("JournalLine", "LineNum", "Account", "Amount", key=("LineNum",), step=2),),
)


def journal(number: int, key: str, name: str, *lines: tuple[str, str, str]) -> Row:
    return Row(number, [key, name], [[Row(at, list(line)) for at, line in enumerate(lines, 2)]])


def test_documents_are_told_with_their_lines(load, look):
    load(JOURNALS, [journal(2, "J1", "first", ("1", "A", "1.00"))])
    rows = [journal(2, "J1", "first", ("1", "A", "2.00"), ("2", "B", "1.00")), journal(3, "J2", "new", ("1", "", "1.00"))]
    told = look(JOURNALS, rows).outcomes
    assert told.letters == "=ucsf"
    assert load(JOURNALS, rows).outcomes.letters == told.letters, "and so does the load"


CELLS = st.tuples(st.sampled_from("ABCD"), st.sampled_from(["", "one", "two", "x" * 21]), st.sampled_from(["", "T1", "T2"]))


@given(
    held=st.lists(CELLS, max_size=3, unique_by=lambda row: row[0]),
    rows=st.lists(CELLS, min_size=1, max_size=5),
    mode=st.sampled_from(Mode),
    blank=st.sampled_from(Blank),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_told_comes_true(ax, load, look, held, rows, mode, blank):
    """Rows of one batch; keys that repeat within it stay behind before a batch is cut, but are told here as well."""
    ax.reset()
    load(layout("PaymTerm", "PaymTermId", key=("PaymTermId",)), [["T1"]])
    load(GROUPS, [list(row) for row in held], ref=BatchRef(job="another", step=1, batch=1))  # equal calls are of two jobs
    rows = [list(row) for row in {row[0]: row for row in rows}.values()]
    groups = GROUPS.model_copy(update={"blank": blank})
    references = tuple(dict.fromkeys(term for _, _, term in rows if term))
    told = look(groups, rows, mode=mode, references=(terms(*references),) if references else ()).outcomes
    assert told.letters == load(groups, rows, mode=mode).outcomes.letters
