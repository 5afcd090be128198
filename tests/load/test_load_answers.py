"""What a load makes of answers that its own simulator does not give: other languages, quotas, keys that are missing."""

from collections.abc import Callable
from typing import Any

import pytest

from connector.wire.reports import Before
from tests.load.conftest import Aos, Dispatcher, batch, layout
from workers import aos
from workers.errors import Complaint, GiveUp, Refusal, Retry, Unfinished, Unsettled
from workers.load import tables

GROUPS = layout("CustGroup", "CustGroup", "Name", "PaymTermId", key=["CustGroup"])
NOTES = layout("Note", "Text")


class Other:
    """A port whose writing calls go through `around`; all else is the port's own."""

    def __init__(self, port: aos.Port, around: Callable[..., Any]) -> None:
        self._port = port
        self._around = around
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return (lambda body, **more: self._call(found, name, body, **more)) if name in ("create", "update", "delete") else found

    def _call(self, call: Callable[..., Any], name: str, body: bytes, **more: Any) -> Any:
        self.calls += 1
        return self._around(call, name, body, **more)


def in_danish(call, _name, body, **more):
    """AX in another language: no word that anybody looks for."""
    try:
        return call(body, **more)
    except Refusal as refusal:
        told = tuple(Complaint(message="Det går ikke.", record=c.record, field=c.field) for c in refusal.complaints)
        raise Refusal("Det går ikke.", complaints=told) from None


def up_to(most: int):
    def around(call, _name, body, **more):
        if body.count(b'<CustGroup class="entity"') > most:
            raise Refusal("The maximum message size quota has been exceeded.", advice="Smaller.", too_large=True, code="RSC-5130")
        return call(body, **more)

    return around


def silently(call, name, body, **more):
    try:
        return in_danish(call, name, body, **more)
    except Refusal:
        raise Refusal("Det går ikke.") from None


def run(ax: Aos, around: Callable[..., Any], rows, which=GROUPS, *, ask=None, **more):
    port = Other(ax.open(which.table), around)
    result = tables.run(batch(which, rows, **more), port=port, ask=ask or Dispatcher())  # type: ignore[arg-type]
    return result, port


def groups(count: int, *, name: str = "n", terms: str = "") -> list[list[str]]:
    return [[f"{n:03d}", name, terms] for n in range(count)]


@pytest.mark.parametrize("around", [in_danish, silently])
def test_a_create_of_what_is_there_is_told_in_any_language_and_costs_few_calls(load, ax, around):
    load(GROUPS, groups(60))
    rows = groups(80)
    result, port = run(ax, around, rows, mode="create")
    assert result.outcomes.letters == "f" * 60 + "c" * 20
    assert {problem.code for problem in result.outcomes.problems} == {"RSC-5116"}
    assert all("upsert" in problem.advice for problem in result.outcomes.problems)
    assert {problem.message for problem in result.outcomes.problems} == {
        "Det går ikke.",
        "A record with this key exists in AX already.",
    }
    assert port.calls <= 9
    assert len(ax.records("CustGroup")) == 80


def test_rows_that_are_refused_for_other_reasons_are_not_taken_for_records_that_exist(ax):
    rows = [*groups(5, terms="NONE"), ["900", "n", ""]]
    result, _ = run(ax, in_danish, rows, mode="create")
    assert result.outcomes.letters == "fffffc"
    assert {problem.code for problem in result.outcomes.problems} == {"RSC-5110"}


def test_a_key_that_ax_does_not_hold_unique_proves_nothing(load, ax):
    """The key that the package names is a guess: records of other rows share it."""
    rates = layout("TaxRate", "TaxCode", "FromDate", "Rate", key=["TaxCode", "FromDate"])
    load(rates, [["A", "2011-01-01", "1"], ["A", "2012-01-01", "2"]], mode="create")
    guessed = layout("TaxRate", "TaxCode", "FromDate", "Rate", key=["TaxCode"])
    result, _ = run(ax, in_danish, [["A", "2011-01-01", "1"], ["A", "2013-01-01", "3"]], guessed, mode="create")
    assert result.outcomes.letters == "fc"


def test_a_record_that_another_hand_created_is_updated_in_any_language(ax):
    class Meanwhile(Dispatcher):
        def __call__(self, intent, outcomes):
            if not self.intents:
                tables.run(batch(GROUPS, groups(1, name="theirs"), mode="create"), port=ax.open("CustGroup"), ask=Dispatcher())
            return super().__call__(intent, outcomes)

    result, _ = run(ax, in_danish, groups(3, name="ours"), ask=Meanwhile())
    assert result.outcomes.letters == "ucc"
    assert [record["Name"] for record in ax.records("CustGroup")] == ["ours"] * 3


def test_a_record_that_another_hand_changed_is_read_again_in_any_language(load, ax):
    load(GROUPS, groups(3, name="old"))

    class Meanwhile(Dispatcher):
        def __call__(self, intent, outcomes):
            if not self.intents:
                load(GROUPS, groups(1, name="theirs"))
            return super().__call__(intent, outcomes)

    result, _ = run(ax, in_danish, groups(3, name="ours"), ask=Meanwhile())
    assert result.outcomes.letters == "uuu"
    assert [record["Name"] for record in ax.records("CustGroup")] == ["ours"] * 3


@pytest.mark.parametrize("mode", ["create", "upsert"])
def test_a_call_over_the_ports_quota_is_made_in_smaller_ones(ax, mode):
    result, port = run(ax, up_to(15), groups(100), mode=mode)
    assert result.outcomes.letters == "c" * 100
    assert port.calls == 3 + 11  # 100, 50 and 25 are too many; 12 are not, and no larger call is made again


def test_a_record_that_is_too_large_by_itself_fails_and_says_so(ax):
    result, _ = run(ax, up_to(0), groups(3), mode="create")
    assert result.outcomes.letters == "fff"
    assert {(problem.code, problem.advice) for problem in result.outcomes.problems} == {("RSC-5130", "Smaller.")}


def without_last_key(call, _name, body, **more):
    return call(body, **more)[:-1]


def test_records_are_looked_up_where_ax_gives_another_number_of_keys(ax):
    result, _ = run(ax, without_last_key, groups(3), mode="create")
    assert result.outcomes.letters == "ccc"
    assert result.outcomes.keys == {n: f"CustGroup={n:03d}" for n in range(3)}


def test_a_record_without_proof_is_unknown(ax):
    result, _ = run(ax, lambda *_, **__: [], groups(2), mode="create")
    assert result.outcomes.letters == "??"
    assert "0 keys for 2 records" in result.outcomes.problems[0].message


def test_without_a_key_to_look_up_by_nothing_is_guessed(ax):
    result, _ = run(ax, without_last_key, [["a"], ["b"]], NOTES, mode="create")
    assert result.outcomes.letters == "??"
    assert len(ax.records("Note")) == 2


def test_a_refusal_with_a_number_and_no_word_is_tried_once_more(ax):
    tried = []

    def around(call, _name, body, **more):
        tried.append(more["message_id"])
        if len(tried) == 1:
            raise Refusal("Request Failed.", transient=True)
        return call(body, **more)

    result, _ = run(ax, around, groups(2), mode="create")
    assert result.outcomes.letters == "cc"
    assert len(set(tried)) == 2


def test_what_is_refused_again_and_again_ends(ax):
    def around(*_: Any, **__: Any) -> Before:
        raise Refusal("Request Failed.", transient=True)

    result, port = run(ax, around, groups(4), mode="create")
    assert result.outcomes.letters == "ffff"
    assert port.calls == 2 * 7


def poisoned(call, _name, body, **more):
    """The service host fails, without a word, on every message that holds this record."""
    if b">007<" in body:
        raise Unsettled("The AOS failed without saying why.", advice="Look there.", code="RSC-5430")
    return call(body, **more)


@pytest.mark.parametrize("mode", ["create", "upsert"])
def test_a_record_on_which_the_aos_fails_without_a_word_is_found_and_stops_no_other(ax, mode):
    result, _ = run(ax, poisoned, groups(20), mode=mode)
    assert result.outcomes.letters == "c" * 7 + "f" + "c" * 12
    (problem,) = result.outcomes.problems
    assert (problem.code, problem.advice) == ("RSC-5430", "Look there.")


def test_what_the_aos_carried_out_before_it_failed_is_told_as_created(ax):
    def around(call, _name, body, **more):
        call(body, **more)
        raise Unsettled("The AOS failed without saying why.", code="RSC-5430")

    result, port = run(ax, around, groups(3), mode="create")
    assert result.outcomes.letters == "ccc"
    assert (port.calls, len(ax.records("CustGroup"))) == (1, 3)


def test_where_nothing_can_be_looked_up_the_same_call_is_made_again_later(ax):
    def around(*_: Any, **__: Any):
        raise Unsettled("The AOS failed without saying why.", code="RSC-5430")

    with pytest.raises(Unfinished) as ended:
        run(ax, around, [["a"]], NOTES, mode="create")
    assert isinstance(ended.value.error, Unsettled)
    assert not ended.value.settled


def test_an_aos_that_is_down_fails_no_row(ax):
    class Down(Other):
        def find(self, *_: Any, **__: Any) -> Any:
            raise Retry("The AOS is not in service.")

        find_keys = read = find

    def around(*_: Any, **__: Any):
        raise Unsettled("The AOS failed without saying why.", code="RSC-5430")

    with pytest.raises(Unfinished) as ended:
        tables.run(batch(GROUPS, groups(2), mode="create"), port=Down(ax.open("CustGroup"), around), ask=Dispatcher())
    assert ended.value.outcomes.letters == ".."
    assert not ended.value.settled


def test_a_lookup_whose_answer_is_too_large_is_made_in_smaller_ones(load, ax):
    load(GROUPS, groups(40))

    class Narrow(Other):
        def find_keys(self, criteria: Any, **more: Any) -> Any:
            found = self._port.find_keys(criteria, **more)
            if len(found) > 9:
                raise GiveUp("over 64,000,000 bytes", code="RSC-5906")
            return found

        def find(self, criteria: Any, **more: Any) -> Any:
            found = self._port.find(criteria, **more)
            if len(found) > 9:
                raise Refusal("quota", too_large=True)
            return found

    port = Narrow(ax.open("CustGroup"), lambda call, _name, body, **more: call(body, **more))
    result = tables.run(batch(GROUPS, groups(40, name="new")), port=port, ask=Dispatcher())  # type: ignore[arg-type]
    assert result.outcomes.letters == "u" * 40
