"""Whole loads, as a worker makes them of a batch: look up, create, update, leave alone, delete, and find the bad rows."""

import pytest

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from tests.aos.conformance.targets import Target, table
from tests.load.conftest import Dispatcher, batch
from workers import aos
from workers.load import tables


class Loading:
    """Loads rows of two columns, the key and the text, into a target."""

    def __init__(self, target: Target, port: aos.Port) -> None:
        subject = target.subject
        self._port = port
        self._layout = Layout(
            step=1,
            entity="Rows",
            file="rows.csv",
            table=table(port),
            columns=tuple(Column(name=name, field=name) for name in (subject.key, subject.text)),
            constants=dict(subject.constants),
            key=(subject.key,),
        )

    def __call__(self, rows: list[tuple[str, str]], **more: object) -> tables.Result:
        numbered = [Row(number, list(row)) for number, row in enumerate(rows, 2)]
        return tables.run(batch(self._layout, numbered, **more), port=self._port, ask=Dispatcher())


class Nesting:
    """Loads headers with lines into a target."""

    def __init__(self, target: Target, port: aos.Port) -> None:
        subject = target.subject
        below = tuple(Column(name=name, field=name) for name in (subject.line_key, subject.line_text))
        lines = Layout(step=2, entity="Lines", file="l.csv", table=subject.line, columns=below, key=(subject.line_key,))
        columns = tuple(Column(name=name, field=name) for name in (subject.key, subject.text))
        self._port = port
        self._layout = Layout(
            step=1,
            entity="Headers",
            file="h.csv",
            table=table(port),
            columns=columns,
            constants=dict(subject.constants),
            key=(subject.key,),
            children=(lines,),
        )

    def __call__(self, *headers: tuple[str, str, list[str]]) -> str:
        rows = [
            Row(number, [key, text], [[Row(n, [str(n), line]) for n, line in enumerate(lines, 1)]])
            for number, (key, text, lines) in enumerate(headers, 2)
        ]
        return tables.run(batch(self._layout, rows), port=self._port, ask=Dispatcher()).outcomes.letters


@pytest.fixture
def load(target: Target, port: aos.Port) -> Loading:
    return Loading(target, port)


def test_a_load_creates_updates_and_leaves_alone(load: Loading, target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(120)
    rows = [(key, f"Ж {key}") for key in keys]
    assert load(rows[:80]).outcomes.letters == "c" * 80
    changed = [(key, f"{text} 新" if n % 4 == 0 else text) for n, (key, text) in enumerate(rows)]
    assert load(changed).outcomes.letters == "u===" * 20 + "c" * 40
    found = {record.values[subject.key]: record.values[subject.text] for record in port.find(target.between(keys))}
    assert found == dict(changed)
    assert load(changed).outcomes.letters == "=" * 120


def test_bad_rows_are_found_and_the_others_are_in(load: Loading, target: Target, port: aos.Port):
    """In mode create a row that exists makes AX refuse the whole call."""
    subject, keys = target.subject, target.keys(60)
    bad = {7, 33, 59}
    assert load([(keys[n], "first") for n in sorted(bad)], mode="create").outcomes.letters == "ccc"
    result = load([(key, "second") for key in keys], mode="create")
    assert {n for n, letter in enumerate(result.outcomes.letters) if letter == "f"} == bad
    assert {problem.row for problem in result.outcomes.problems} == bad
    found = {record.values[subject.key]: record.values[subject.text] for record in port.find(target.between(keys))}
    assert found == {key: "first" if n in bad else "second" for n, key in enumerate(keys)}


def test_a_load_deletes_what_is_there(load: Loading, target: Target, port: aos.Port):
    keys = target.keys(3)
    load([(key, "x") for key in keys[:2]])
    assert load([(key, "") for key in keys], mode="delete").outcomes.letters == "dds"
    assert port.find_keys(target.between(keys)) == []


def test_lines_are_loaded_with_their_header(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(2)
    if not subject.line:
        pytest.skip("the service has no lines")
    load = Nesting(target, port)
    assert load((keys[0], "A", ["один", "zwei"]), (keys[1], "B", ["三"])) == "ccc" + "cc"
    assert load((keys[0], "A", ["один", "zwei"]), (keys[1], "B", ["三"])) == "===" + "=="
    assert load((keys[0], "A", ["один", "zwo", "drei"]), (keys[1], "C", ["三"])) == "==uc" + "u="
    first, second = sorted(port.find(target.between(keys)), key=lambda found: found.values[subject.key] or "")
    assert sorted(line.values[subject.line_text] or "" for line in first.children[subject.line]) == ["drei", "zwo", "один"]
    assert [line.values[subject.line_text] for line in second.children[subject.line]] == ["三"]


def test_dimensions_are_merged_with_those_that_a_record_has(target: Target, port: aos.Port):
    """Between records AX takes the set as one, so an update brings along what the rows do not name."""
    subject, (key,) = target.subject, target.keys(1)
    if not subject.dimensions:
        pytest.skip("the service has no dimensions that could be tried")

    def load(**values: str) -> str:
        columns = [Column(name=subject.key, field=subject.key)]
        columns += [Column(name=name, field=subject.dimensions, part=name) for name in values]
        shape = Layout(step=1, entity="e", file="f.csv", table=table(port), columns=tuple(columns), key=(subject.key,))
        return tables.run(batch(shape, [[key, *values.values()]]), port=port, ask=Dispatcher()).outcomes.letters

    assert load(Department="Отдел", CostCenter="10") == "c"
    assert load(CostCenter="10", Department="Отдел") == "="
    assert load(Purpose="目的") == "u"
    assert load(Department="Отдел", CostCenter="10", Purpose="目的") == "="
    assert load(CostCenter="20") == "u"
    assert load(Purpose="目的", CostCenter="20", Department="Отдел") == "="
