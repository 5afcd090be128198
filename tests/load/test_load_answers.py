"""What a load makes of answers that its own simulator does not give: other languages, quotas, keys that are missing."""

from collections.abc import Callable
from typing import Any

import pytest

from connector.wire.reports import Before
from tests.load.conftest import Aos, Dispatcher, batch, layout
from workers import aos
from workers.errors import Complaint, Refusal
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
