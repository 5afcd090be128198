"""Which rows of a package a retry takes up: the documents that have a row which it is about. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.screen.screening import Told
from connector.wire.codec import Row
from connector.wire.jobs import Layout, flatten


@dataclass(frozen=True, slots=True)
class Taken:
    """Chooses among the rows of a package as they are read again."""

    is_wanted: Callable[[int, int], bool]
    """by step and row number"""

    def of(
        self, layout: Layout, rows: Sequence[Row], fit: Sequence[Row], told: Sequence[Told], counts: dict[int, int]
    ) -> tuple[list[Row], list[Told]]:
        """Of root rows: those of `fit`, and what is told, of the documents that are taken up; their rows are counted."""
        places: set[tuple[int, int]] = set()
        roots: set[int] = set()
        for row in rows:
            document = [(part.step, nested.number) for part, nested in flatten(layout, row)]
            if any(self.is_wanted(*place) for place in document):
                roots.add(row.number)
                places.update(document)
        for step, _ in places:
            counts[step] += 1
        return [row for row in fit if row.number in roots], [each for each in told if each[:2] in places]

    def alone(self, told: Sequence[Told], counts: dict[int, int]) -> list[Told]:
        """What is told of rows that stand alone, of those that are taken up; these are counted."""
        kept = [each for each in told if self.is_wanted(each.step, each.row)]
        for step, _ in {each[:2] for each in kept}:
            counts[step] += 1
        return kept
