"""Any table through the customer's table service: the outcomes of a document service, and the same truth under faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from connector.wire.jobs import Target
from tests.load.conftest import TABLES, Aos, Dispatcher, batch, layout, running
from tests.load.test_load_model import BATCHES, GROUPS, Model, attempts
from workers import aos
from workers.errors import GiveUp, Unfinished
from workers.load import tables

CONTRACT = Path(__file__).parents[2] / "deploy" / "ax" / "contract"
OPTIONS = ("--tables", str(TABLES), "--contract", str(CONTRACT), "--company", "USMF")


def opened(ax: Aos, table: str) -> aos.Port:
    address = f"{ax.url}/MicrosoftDynamicsAXAif60/RapidStartTables/xppservice.svc"
    door = aos.Door([ax.url])
    found = aos.read_metadata(door, [address])
    target = Target(
        address=address, port="RapidStartTables", service="RapidStartTableService", table=table, contract=found.fingerprint
    )
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None)


@pytest.fixture(scope="module")
def both() -> Iterator[Aos]:
    """An AOS with document services and the table service over the same tables."""
    with running(*OPTIONS) as found:
        yield found


@pytest.fixture
def there(both: Aos) -> Aos:
    both.reset()
    return both


@given(batches=BATCHES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batch_after_batch_ax_holds_what_the_outcomes_say(both, batches):
    both.reset()
    port, model = opened(both, "CustGroup"), Model()
    for rows in batches:
        result = tables.run(batch(GROUPS, rows), port=port, ask=Dispatcher())
        assert result.outcomes.letters == model.load(rows)
        assert model.agrees_with(both)


@pytest.mark.parametrize("mode", ["create", "upsert"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_misbehaving_aos_gets_every_row_once(mode, seed):
    faults = ("timeout_after=0.12", "reset=0.06", "deadlock=0.06", "http503=0.04")
    options = [option for fault in faults for option in ("--fault", fault)]
    rows = [(f"k{n}", f"name {n}", "NONE" if n % 17 == 5 else "") for n in range(40)]
    with running(*OPTIONS) as plain:
        address = plain.url.rpartition(":")[2]
    with running(*OPTIONS, "--seed", str(seed), "--port", address) as ax:
        port = opened(ax, "CustGroup")
    with running(*OPTIONS, "--seed", str(seed), "--port", address, *options) as ax:
        model = Model()
        outcomes = attempts(batch(GROUPS, rows, mode=mode), port, Dispatcher())
        assert outcomes.letters == model.load(rows)
        assert model.agrees_with(ax)


def test_one_call_finds_every_bad_row_and_the_next_writes_the_others(there):
    rows = [("1", "ok", ""), ("2", "x" * 15, "NONE"), ("3", "ok", ""), ("4", "", "NONE")]
    result = tables.run(batch(GROUPS, rows, mode="create"), port=opened(there, "CustGroup"), ask=Dispatcher())
    assert result.outcomes.letters == "cfcf"
    assert [(problem.row, problem.field) for problem in result.outcomes.problems] == [(1, "PaymTermId"), (3, "PaymTermId")]
    # One finds both, one writes the others, one tries again what might have referred to them.
    assert there.stats()["operations"]["createRows"] == 3


def test_rows_that_refer_to_each_other_go_in_whatever_their_order(tmp_path):
    units = tmp_path / "units.toml"
    units.write_text(
        'port = "RapidStart"\n[[table]]\nname = "Unit"\nkey = ["Unit"]\n[table.fields]\n'
        'Unit = { length = 10, mandatory = true }\nParent = { length = 10, references = "Unit" }\n'
    )
    with running("--tables", str(units), "--contract", str(CONTRACT), "--company", "USMF") as ax:
        laid = layout("Unit", "Unit", "Parent", key=["Unit"])
        rows = [("c", "b"), ("b", "a"), ("a", ""), ("x", "nobody")]
        result = tables.run(batch(laid, rows), port=opened(ax, "Unit"), ask=Dispatcher())
        assert result.outcomes.letters == "cccf"
        assert result.outcomes.problems[0].field == "Parent"


def test_rows_of_both_ways_are_the_same_rows(there):
    first = tables.run(batch(GROUPS, [("1", "one", "")]), port=opened(there, "CustGroup"), ask=Dispatcher())
    second = tables.run(batch(GROUPS, [("1", "one", ""), ("2", "two", "")]), port=there.open("CustGroup"), ask=Dispatcher())
    third = tables.run(batch(GROUPS, [("1", "eins", ""), ("2", "two", "")]), port=opened(there, "CustGroup"), ask=Dispatcher())
    assert [each.outcomes.letters for each in (first, second, third)] == ["c", "=c", "u="]


def test_values_of_every_type_come_back_unchanged(there):
    columns = layout("CustGroup", "CustGroup", "TaxIncluded", "Limit", "Since", key=["CustGroup"])
    rows = [("1", "yes", "1.50", "2011-01-31"), ("2", "", "", "1900-01-01"), ("3", "No", "-0.10", "2154-12-31")]
    port = opened(there, "CustGroup")
    assert tables.run(batch(columns, rows), port=port, ask=Dispatcher()).outcomes.letters == "ccc"
    assert tables.run(batch(columns, rows), port=port, ask=Dispatcher()).outcomes.letters == "==="
    assert there.records("CustGroup")[0] == {"CustGroup": "1", "TaxIncluded": "Yes", "Limit": "1.50", "Since": "2011-01-31"}


def test_a_blank_that_clears_takes_the_value_away(there):
    port = opened(there, "CustGroup")
    columns = layout("CustGroup", "CustGroup", "Name", "Since", key=["CustGroup"], blank="clear")
    tables.run(batch(columns, [("1", "one", "2011-01-31")]), port=port, ask=Dispatcher())
    assert tables.run(batch(columns, [("1", "", "")]), port=port, ask=Dispatcher()).outcomes.letters == "u"
    assert there.records("CustGroup") == [{"CustGroup": "1"}]


def test_deleting_needs_the_record_to_be_there(there):
    port = opened(there, "CustGroup")
    columns = layout("CustGroup", "CustGroup", key=["CustGroup"])
    tables.run(batch(columns, [("1",), ("2",)]), port=port, ask=Dispatcher())
    assert tables.run(batch(columns, [("1",), ("9",)], mode="delete"), port=port, ask=Dispatcher()).outcomes.letters == "ds"
    assert [record["CustGroup"] for record in there.records("CustGroup")] == ["2"]


def test_a_record_that_changed_between_reading_and_writing_is_read_again(there):
    port = opened(there, "CustGroup")
    tables.run(batch(GROUPS, [("1", "one", "")]), port=port, ask=Dispatcher())

    class Meddling(Dispatcher):
        def __call__(self, intent, outcomes):
            if not self.intents:
                tables.run(batch(GROUPS, [("1", "other", "")]), port=opened(there, "CustGroup"), ask=Dispatcher())
            return super().__call__(intent, outcomes)

    asked = Meddling()
    assert tables.run(batch(GROUPS, [("1", "new", "")]), port=port, ask=asked).outcomes.letters == "u"
    assert len({intent.message_id for intent in asked.intents}) == 2
    assert there.records("CustGroup") == [{"CustGroup": "1", "Name": "new"}]


def test_a_survey_tells_which_companies_ax_lets_the_account_into(there):
    address = f"{there.url}/MicrosoftDynamicsAXAif60/RapidStartTables/xppservice.svc"
    checks = {check.name: check for check in aos.check(aos.Door([there.url]), [address], aos.Scope(companies=("USMF", "XXXX")))}
    assert checks["Port RapidStartTables, company USMF"].detail == "AX lets this account into USMF."
    assert not checks["Port RapidStartTables, company XXXX"].ok
    assert checks["Port RapidStartTables, reasons in faults"].ok


def test_a_table_that_is_not_there_ends_the_batch_with_a_sentence(there):
    with pytest.raises(GiveUp, match="NoSuchTable"):
        opened(there, "NoSuchTable")


def test_nested_rows_are_refused(there):
    lines = layout("JournalLine", "LineNum", step=2)
    message = batch(layout("Journal", "JournalNum", key=["JournalNum"], children=[lines.model_dump()]), [("J1",)])
    with pytest.raises((GiveUp, Unfinished), match="nested"):
        tables.run(message, port=opened(there, "Journal"), ask=Dispatcher())
