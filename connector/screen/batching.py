"""Cut a step's rows into batches; rows of one unit are never divided."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from connector.errors import Place, PlanRefused
from connector.wire.codec import Row


def batches(rows: Iterable[Row], *, size: int, unit: tuple[int, ...] = (), place: Place | None = None) -> Iterator[list[Row]]:
    """Consecutive rows in lists of about `size` root rows; with `unit`, cut only where the cells of these indexes change.

    A unit that is longer than `size` is a batch by itself. Raises PlanRefused, with the row in `place`, where a unit's rows
    do not stand together.
    """
    rows = iter(rows)
    while not unit and (batch := list(islice(rows, size))):
        yield batch
    batch = []
    for group in _groups(rows, unit, place or Place()):
        if batch and len(batch) + len(group) > size:
            yield batch
            batch = []
        batch.extend(group)
    if batch:
        yield batch


def _groups(rows: Iterable[Row], unit: tuple[int, ...], place: Place) -> Iterator[list[Row]]:
    ended: set[tuple[str | None, ...]] = set()
    current: tuple[str | None, ...] = ()
    group: list[Row] = []
    for row in rows:
        value = tuple(row.cells[index] for index in unit)
        if group and value != current:
            ended.add(current)
            yield group
            group = []
        if value in ended:
            shown = ", ".join(cell or "(empty)" for cell in value)
            raise PlanRefused(
                f"the rows of {shown} must travel together, but others stand between them.",
                advice="Sort the rows.",
                place=replace(place, row=row.number),
            )
        current = value
        group.append(row)
    if group:
        yield group
