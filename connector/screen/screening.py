"""Parts the rows of a step that may be sent from those that cannot go in, before anything is sent; each of those with a reason.

A document with a bad row stays behind as a whole, and with it the documents of its unit: as a worker would do it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from connector.plan.values import Step
from connector.screen.checking import Cells, Columns, Laid, columns, laid
from connector.screen.duplicates import KeyOf, Keys, key_of
from connector.wire.codec import Row
from connector.wire.jobs import Layout, Mode, flatten
from connector.wire.reports import Outcome, Problem


class Told(NamedTuple):
    """Something that is wrong with a row that is not sent. A row may be told several times, with one outcome."""

    step: int
    row: int
    outcome: Outcome
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """How the rows of one layout are looked at."""

    layout: Layout
    cells: Cells
    key: KeyOf | None
    children: "tuple[_Part, ...]"


class Screen:
    """Looks at the rows of one step, in their order. Duplicate keys are found over the whole step."""

    def __init__(self, step: Step, steps: Sequence[Step], *, again: Callable[[], Iterator[Row]]) -> None:
        """`steps` are those of the plan; `again` reads the step's root rows once more from the first on.

        Raises PlanRefused for a constant that does not fit.
        """
        known = laid(step.layout, {each.no: each.record for each in steps})
        # A call finds nothing that is there: what it demands must be given.
        self._part = _part(known, Mode.CREATE if step.target.operation else step.mode)
        self._unit = step.unit
        key = self._part.key if not step.key_is_guess else None
        self._keys = Keys(key, again=again) if key else None
        self._must_have_key = step.mode is not Mode.CREATE

    def parted(self, rows: Sequence[Row]) -> tuple[Sequence[Row], list[Told]]:
        """Root rows with their nested rows (whole units): those that may be sent, and what is told of the others."""
        bad = _Bad()
        self._look(self._part, rows, range(len(rows)), bad)
        if not bad:
            return rows, []
        return self._kept(rows, bad)

    def _look(self, part: _Part, rows: Sequence[Row], roots: Sequence[int], bad: "_Bad") -> None:
        """Look at rows of one layout; `roots` are the places of the root rows that they belong to."""
        if not rows:
            return
        filled = columns(rows)
        for place, problems in part.cells.problems(filled, count=len(rows)).items():
            bad[roots[place]][part.layout.step, rows[place].number] += problems
        if part is self._part:
            self._look_at_keys(part, rows, filled, bad)
        for index, child in enumerate(part.children):
            groups = [row.children[index] if index < len(row.children) else () for row in rows]
            self._look_below(part, child, groups, roots, bad)

    def _look_below(self, part: _Part, child: _Part, groups: Sequence[Sequence[Row]], roots: Sequence[int], bad: "_Bad") -> None:
        """Look at the rows that one child of a layout nests in each of its rows."""
        for root, group in zip(roots, groups, strict=True):
            for row, first in _repeated(child, group):
                problem = _repeats(child.layout, row, first, nested_in=part.layout)
                bad[root][child.layout.step, row.number].append(problem)
        rows = [row for group in groups for row in group]
        self._look(child, rows, [root for root, group in zip(roots, groups, strict=True) for _ in group], bad)

    def _look_at_keys(self, part: _Part, rows: Sequence[Row], filled: Columns, bad: "_Bad") -> None:
        if self._keys is None or part.key is None:
            return
        keys = part.key.keys(filled, count=len(rows))
        for place, first in self._keys.repeated(rows, keys).items():
            bad[place][part.layout.step, rows[place].number].append(_repeats(part.layout, rows[place], first))
        if self._must_have_key and None in keys:
            for place in (place for place, key in enumerate(keys) if key is None):
                bad[place][part.layout.step, rows[place].number].append(_nameless(part.layout))

    def _kept(self, rows: Sequence[Row], bad: "_Bad") -> tuple[Sequence[Row], list[Told]]:
        units = _units(rows, self._unit) if self._unit else range(len(rows))
        ill = {units[place]: place for place in sorted(bad, reverse=True)}
        told: list[Told] = []
        for place, row in enumerate(rows):
            if place in bad:
                told += _of_document(self._part.layout, row, bad[place])
            elif (other := ill.get(units[place])) is not None:
                why = f"{_name(self._part.layout, rows[other])}, of the same unit"
                told += (_skipped(layout, nested, why) for layout, nested in flatten(self._part.layout, row))
        return [row for place, row in enumerate(rows) if units[place] not in ill], told


class _Bad(defaultdict[int, defaultdict[tuple[int, int], list[Problem]]]):
    """By the place of a root row: the rows of its document that are bad, by step and number, each with its problems."""

    def __init__(self) -> None:
        super().__init__(lambda: defaultdict(list))


def _part(known: Laid, mode: Mode) -> _Part:
    children = tuple(_part(child, mode) for child in known.children)
    return _Part(layout=known.layout, cells=Cells(known, mode=mode), key=key_of(known), children=children)


def _repeated(part: _Part, group: Sequence[Row]) -> Iterator[tuple[Row, int]]:
    """Rows nested in one row whose key an earlier one has, and the number of that one."""
    if part.key is None or len(group) < 2:
        return
    firsts: dict[Any, int] = {}
    for row, key in zip(group, part.key.keys(columns(group), count=len(group)), strict=True):
        if key is not None and firsts.setdefault(key, row.number) != row.number:
            yield row, firsts[key]


def _units(rows: Sequence[Row], unit: Sequence[int]) -> list[int]:
    cells = [tuple(row.cells[index] for index in unit) for row in rows]
    return list(accumulate((now != last for last, now in pairwise(cells)), initial=0))


def _of_document(layout: Layout, root: Row, found: dict[tuple[int, int], list[Problem]]) -> Iterator[Told]:
    """The bad rows of a document with their problems, and its other rows, which stay behind with them."""
    rows = list(flatten(layout, root))
    first = next((part, row) for part, row in rows if (part.step, row.number) in found)
    for part, row in rows:
        if problems := found.get((part.step, row.number)):
            yield from (Told(part.step, row.number, Outcome.FAILED, problem) for problem in problems)
        else:
            yield _skipped(part, row, f"{_name(*first)}, of the same document")


def _name(layout: Layout, row: Row) -> str:
    sheet = f", sheet {layout.sheet}" if layout.sheet else ""
    return f"row {row.number} of {layout.file}{sheet}"


def _skipped(layout: Layout, row: Row, because: str) -> Told:
    problem = Problem(
        row=0,
        message=f"Not written: {because}, failed.",
        advice="Correct that row and load these again together.",
        code="RSC-3112",
    )
    return Told(layout.step, row.number, Outcome.SKIPPED, problem)


def _repeats(layout: Layout, row: Row, first: int, *, nested_in: Layout | None = None) -> Problem:
    cells = {column.field: text or "" for column, text in zip(layout.columns, row.cells, strict=False) if not column.part}
    words = ", ".join(f"{field}={cells.get(field, layout.constants.get(field, ''))}" for field in layout.key)
    within = f" of the same {nested_in.entity} row" if nested_in else ""
    sheet = f", sheet {layout.sheet}" if layout.sheet else ""
    column = next((column for column in layout.columns if column.field == layout.key[0]), None)
    return Problem(
        row=0,
        column=column.name if column else None,
        field=layout.key[0],
        value=cells.get(layout.key[0]),
        message=f"The key {words} stands already in row {first} of {layout.file}{sheet}{within}.",
        advice="Keep one of the rows and load again.",
        code="RSC-3109",
    )


def _nameless(layout: Layout) -> Problem:
    column = next((column for column in layout.columns if column.field == layout.key[0]), None)
    return Problem(
        row=0,
        column=column.name if column else None,
        field=layout.key[0],
        value="",
        message=f"The key {', '.join(layout.key)} is empty: the row does not say which record it is.",
        advice="Fill it in, or load in mode create, where AX assigns it.",
        code="RSC-3117",
    )
