"""Two passes over the same rows: keys first, then the fields that name records which are there only now.

A row is one row: what the ledger tells of it is the worse of both passes. Pure; the second is an update by key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.plan.ordering import Edge, Ranks
from connector.wire.codec import Row
from connector.wire.jobs import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What the order leaves open within an entity: what a second pass fills, and whether rows must go one after the other."""

    later: tuple[str, ...] = ()
    rank: int = 0
    """of the second pass: it goes after all of this rank"""
    in_turn: bool = False
    reason: str = ""


def of(ranks: Ranks, labels: Sequence[str]) -> dict[str, Again]:
    """By entity, where there is anything to say; `labels` are those of the ranked entities, in their order."""
    rank = {label: place for label, (place, _) in zip(labels, ranks.of, strict=True)}
    found = {}
    for label in labels:
        later = [edge for edge in ranks.later if edge.then == label]
        in_turn = [edge for edge in ranks.in_turn if edge.then == label]
        if later or in_turn:
            found[label] = _again(label, later, in_turn, rank)
    return found


def _again(label: str, later: Sequence[Edge], in_turn: Sequence[Edge], rank: Mapping[str, int]) -> Again:
    fields = tuple(dict.fromkeys(field for edge in later for field in edge.fields))
    told = list(dict.fromkeys(f"row after row, as {edge.because} and {edge.stuck}" for edge in in_turn))
    if later:
        because = ", ".join(dict.fromkeys(edge.because for edge in later))
        whom = " and ".join(dict.fromkeys("its own rows" if edge.before == label else edge.before for edge in later))
        told.append(f"in two passes, as {because}: {', '.join(fields)} comes second, when {whom} went in")
    last = max((rank[edge.before] for edge in later), default=0)
    return Again(later=fields, rank=max(last, rank[label]), in_turn=bool(in_turn), reason="; ".join(told))


def first_layout(layout: Layout, later: Sequence[str]) -> Layout:
    """The layout of the first pass: all but the fields that are filled later."""
    return _only(layout, [field for field in _fields(layout) if field not in later])


def second_layout(layout: Layout, later: Sequence[str]) -> Layout:
    """The layout of the second: by what records are found and held together, and what is filled now."""
    return _only(layout, [*layout.key, *layout.unit, *later])


def cut(rows: Iterable[Row], whole: Layout, part: Layout) -> list[Row]:
    """The cells of rows of the whole layout that a part of it has."""
    places = [whole.columns.index(column) for column in part.columns]
    return [_cells(row, places) for row in rows]


def _cells(row: Row, places: Sequence[int]) -> Row:
    return row._replace(cells=[row.cells[place] if place < len(row.cells) else None for place in places])


def _fields(layout: Layout) -> list[str]:
    return [*(column.field for column in layout.columns), *map(_head, layout.constants)]


def _only(layout: Layout, fields: Sequence[str]) -> Layout:
    return layout.model_copy(
        update={
            "columns": tuple(column for column in layout.columns if column.field in fields),
            "constants": {name: text for name, text in layout.constants.items() if _head(name) in fields},
            "structures": {name: told for name, told in layout.structures.items() if name in fields},
        }
    )


def _head(name: str) -> str:
    return name.partition(".")[0]
