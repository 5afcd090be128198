"""Whatever is loaded, and however the AOS misbehaves: outcomes, counts and AX agree with a model of what should be there."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.wire.jobs import LoadTables
from connector.wire.reports import Intent, Outcomes
from tests.load.conftest import TABLES, Aos, Dispatcher, batch, layout, running
from workers.errors import Retry, Unfinished, Unsettled
from workers.load import tables

GROUPS = layout("CustGroup", "CustGroup", "Name", "PaymTermId", key=["CustGroup"])
KEYS = st.sampled_from(["a", "A", "b", "c10", "C-10", "c 1", "10", "9", "010", "_", "é", "ß"])
NAMES = st.sampled_from([None, "", "one", "One", "two & <2>", "x" * 20, "x" * 21])
TERMS = st.sampled_from([None, "", "", "NONE"])
BATCHES = st.lists(st.lists(st.tuples(KEYS, NAMES, TERMS), min_size=1, max_size=8), min_size=1, max_size=4)


class Model:
    """What AX should hold, by folded key, and what should become of each row."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}

    def load(self, rows: list[tuple[str, str | None, str | None]]) -> str:
        first: dict[str, int] = {}
        return "".join(self._row(first.setdefault(row[0].casefold(), n) == n, *row) for n, row in enumerate(rows))

    def _row(self, is_first: bool, key: str, name: str | None, term: str | None) -> str:
        key = key.casefold()
        old = self.records.get(key)
        if not is_first or term == "NONE" or len(name or "") > 20:
            return "f"
        new = name or old or ""
        self.records[key] = new
        return "c" if old is None else "=" if old == new else "u"

    def agrees_with(self, ax: Aos) -> bool:
        there = [(record["CustGroup"].casefold(), record.get("Name", "")) for record in ax.records("CustGroup")]
        return sorted(there) == sorted(self.records.items())


@given(batches=BATCHES, silent=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batch_after_batch_ax_holds_what_the_outcomes_say(shared_aos, silent_aos, batches, silent):
    ax = silent_aos if silent else shared_aos
    ax.reset()
    port, model = ax.open("CustGroup"), Model()
    for rows in batches:
        result = tables.run(batch(GROUPS, rows), port=port, ask=Dispatcher())
        assert result.outcomes.letters == model.load(rows)
        assert {p.row for p in result.outcomes.problems} == {n for n, x in enumerate(result.outcomes.letters) if x == "f"}
        assert all(problem.message and problem.advice for problem in result.outcomes.problems)
        assert model.agrees_with(ax)


def attempts(message: LoadTables, port, ask: Dispatcher) -> Outcomes:
    """What the dispatcher does with a batch that comes back: again, from what was proved, the open call first."""
    for _ in range(200):
        try:
            return tables.run(message, port=port, ask=ask).outcomes
        except Unfinished as unfinished:
            if not isinstance(unfinished.error, Retry):
                raise
            unsettled = isinstance(unfinished.error, Unsettled)
            intent: Intent | None = ask.intents[-1] if unsettled else None
            message = message.model_copy(update={"so_far": unfinished.outcomes, "open_intent": intent})
    raise AssertionError("the batch never ended")


@pytest.mark.parametrize("mode", ["create", "upsert"])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("more", [(), ("--no-fault-detail",), ("--burn-failed-ids",)])
def test_a_misbehaving_aos_gets_every_row_once(mode, seed, more):
    faults = ("timeout_after=0.12", "reset=0.06", "deadlock=0.06", "http503=0.04")
    options = [option for fault in faults for option in ("--fault", fault)]
    rows = [(f"k{n}", f"name {n}", "NONE" if n % 17 == 5 else "") for n in range(40)]
    with running("--tables", str(TABLES), "--company", "USMF", "--seed", str(seed), *options, *more) as ax:
        port, model = ax.open("CustGroup"), Model()
        outcomes = attempts(batch(GROUPS, rows, mode=mode), port, Dispatcher())
        assert outcomes.letters == model.load(rows)
        assert model.agrees_with(ax)
        assert ax.stats()["rows_created"] == len(model.records)
        changed = [(key, f"new {key}", "") for key, _, _ in rows[::2]]
        outcomes = attempts(batch(GROUPS, changed, mode="upsert"), port, Dispatcher())
        assert outcomes.letters == model.load(changed)
        assert model.agrees_with(ax)
        gone = [(key, "", "") for key, _, _ in rows[::3]]
        expected = "".join("d" if model.records.pop(key, None) else "s" for key, _, _ in gone)
        assert attempts(batch(GROUPS, gone, mode="delete"), port, Dispatcher()).letters == expected
        assert model.agrees_with(ax)
