"""What became of each row of a batch, as it becomes known. A document (a root row with its nested rows) is one unit."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from connector.wire.codec import Row
from connector.wire.jobs import Layout, flatten
from connector.wire.reports import PENDING, Outcome, Outcomes, Problem


class Board:
    """Documents are counted by root row; letters, problems and keys by flat row, as in `Outcomes`."""

    def __init__(self, layout: Layout, rows: Sequence[Row], *, so_far: Outcomes | None) -> None:
        self.rows = rows
        self._layout = layout
        self._sizes = [len(list(flatten(layout, row))) if row.children else 1 for row in rows]
        *self.first, total = accumulate(self._sizes, initial=0)
        """flat index of each root row"""
        self.unit: Sequence[int] = _units(layout, rows) if layout.unit else range(len(rows))
        """for each root row the unit that it belongs to: documents that travel together or not at all"""
        self._members: dict[int, list[int]] = {}
        for document, unit in enumerate(self.unit if layout.unit else ()):
            self._members.setdefault(unit, []).append(document)
        self._letters = list(so_far.letters) if so_far and len(so_far.letters) == total else [PENDING] * total
        known = so_far if so_far and len(so_far.letters) == total else Outcomes(letters="")
        self._problems = list(known.problems)
        self._keys = dict(known.keys)
        self._key_fields = known.key_fields
        self._blanks_kept = known.blanks_kept
        self._answers = dict(known.answers)
        self.handed = list(known.handed)
        """messages and files that were handed over to AX"""

    def pending(self) -> list[int]:
        """The documents without an outcome, in order."""
        return [document for document, first in enumerate(self.first) if self._letters[first] == PENDING]

    def is_pending(self, document: int) -> bool:
        """Whether that document has no outcome yet."""
        return self._letters[self.first[document]] == PENDING

    def is_handed_over(self, document: int) -> bool:
        """Whether that document is in a file that AX is to read, and nothing more is known."""
        return self._letters[self.first[document]] == Outcome.HANDED_OVER

    def settle(self, document: int, outcome: Outcome, *, key: dict[str, str] | None = None) -> None:
        """One outcome for the document and its nested rows; `key` is the EntityKey that AX gave it."""
        self.settle_each(document, [outcome] * self._sizes[document], key=key)

    def settle_each(self, document: int, outcomes: Sequence[Outcome], *, key: dict[str, str] | None = None) -> None:
        """An outcome per row of the document, in flat order."""
        first = self.first[document]
        self._letters[first : first + len(outcomes)] = outcomes
        if key:
            self._keys[first] = ", ".join(f"{field}={value}" for field, value in key.items())
            self._key_fields = tuple(key)

    def answered(self, document: int, text: str) -> None:
        """What the call for the document answered."""
        self._answers[self.first[document]] = text

    def kept_blanks(self, count: int) -> None:
        """Counts empty cells that kept what their record held."""
        self._blanks_kept += count

    def fail(self, document: int, problems: Sequence[Problem]) -> None:
        """The rows that `problems` name have failed; the document's other rows are skipped, each with a problem that says so.

        So are the other documents of its unit that have no outcome yet.
        """
        failed = {problem.row for problem in problems}
        self._problems += problems
        for index in range(self.first[document], self.first[document] + self._sizes[document]):
            self._letters[index] = Outcome.FAILED if index in failed else Outcome.SKIPPED
            if index not in failed:
                self._problems.append(_skipped(index, f"{self.name(document, min(failed))}, of the same document"))
        for other in (other for other in self.unit_of(document) if self.is_pending(other)):
            self.settle(other, Outcome.SKIPPED)
            self._problems.append(_skipped(self.first[other], f"{self.name(document, min(failed))}, of the same unit"))

    def remark(self, document: int, *, message: str, advice: str) -> None:
        """A problem that stands for many rows, told at one of them; outcomes stay."""
        self._problems.append(Problem(row=self.first[document], message=message, advice=advice, code="RSC-3130"))

    def unit_of(self, document: int) -> list[int]:
        """The documents that travel with this one, itself included."""
        return self._members.get(self.unit[document]) or [document]

    def leave(self, document: int, outcome: Outcome, *, message: str, advice: str, code: str) -> None:
        """One outcome for the whole document with a problem at its root: unknown, skipped, or failed."""
        problem = Problem(row=self.first[document], message=message, advice=advice, code=code)
        if outcome is Outcome.FAILED:
            self.fail(document, [problem])
        else:
            self.settle(document, outcome)
            self._problems.append(problem)

    def name(self, document: int, index: int) -> str:
        """A row as the user knows it; `index` is its flat index."""
        layout, row = list(flatten(self._layout, self.rows[document]))[index - self.first[document]]
        sheet = f", sheet {layout.sheet}" if layout.sheet else ""
        return f"row {row.number} of {layout.file}{sheet}"

    def outcomes(self) -> Outcomes:
        """All of it as it travels."""
        return Outcomes(
            letters="".join(self._letters),
            problems=tuple(self._problems),
            keys=dict(self._keys),
            key_fields=self._key_fields,
            blanks_kept=self._blanks_kept,
            answers=dict(self._answers),
            handed=tuple(self.handed),
        )


def _skipped(index: int, because: str) -> Problem:
    return Problem(
        row=index,
        message=f"Not written: {because}, failed.",
        advice="Correct that row and load these again together.",
        code="RSC-3112",
    )


def _units(layout: Layout, rows: Sequence[Row]) -> list[int]:
    """Numbers the units: consecutive rows with the same cells in the layout's unit fields."""
    places = [place for place, column in enumerate(layout.columns) if column.field in layout.unit]
    cells = [tuple(row.cells[place] for place in places) for row in rows]
    return list(accumulate((now != last for last, now in pairwise(cells)), initial=0)) if places else list(range(len(rows)))
