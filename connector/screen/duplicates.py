"""Keys that stand in several rows of a step. Keys are compared as AX compares them.

Where keys come in ascending order nothing is kept of them. It never looks at a key that is only guessed.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import islice
from operator import lt
from typing import Any, Final

from connector.screen.checking import Columns, Laid, columns
from connector.wire import comparing, lines
from connector.wire.codec import Row
from connector.wire.metadata import Field, FieldType

_BUCKETS: Final = 4096
_CHUNK: Final = 1000

Fold = Callable[[Sequence[str]], Sequence[Any]]


class Seen:
    """Keys that were seen, and the row of each: 12 bytes for one, whatever it is.

    Keys are known by 64 bits of theirs: two different ones among a million pass for equal in 1 of 30 million packages.
    """

    def __init__(self) -> None:
        self._digests = [array("q") for _ in range(_BUCKETS)]
        self._rows = [array("I") for _ in range(_BUCKETS)]

    def add(self, key: Hashable, *, row: int) -> int | None:
        """Keep the key. The row that had it first; None where this one is the first."""
        digest = hash(key)
        digests, rows = self._digests[digest % _BUCKETS], self._rows[digest % _BUCKETS]
        place = bisect_left(digests, digest)
        if place < len(digests) and digests[place] == digest:
            return rows[place]
        digests.insert(place, digest)
        rows.insert(place, row)
        return None

    def __contains__(self, key: Hashable) -> bool:
        digest = hash(key)
        digests = self._digests[digest % _BUCKETS]
        place = bisect_left(digests, digest)
        return place < len(digests) and digests[place] == digest


class KeyOf:
    """Reads the natural key of rows; `None` is the key of a row that has none, all of it being blank."""

    def __init__(self, known: Laid, places: Sequence[int]) -> None:
        """`places` are the indexes of the key's columns."""
        fields = [known.field(known.layout.columns[place]) for place in places]
        self._folds = [(place, fold(field)) for place, field in zip(places, fields, strict=True) if field]
        self._has_constant = any((known.layout.constants.get(field) or "").strip() for field in known.layout.key)

    def keys(self, filled: Columns, *, count: int) -> list[Any]:
        """The key of each of `count` rows, of which `filled` are the columns."""
        texts = [[cell or "" for cell in filled[place]] if place < len(filled) else [""] * count for place, _ in self._folds]
        folded = [fold(cells) for (_, fold), cells in zip(self._folds, texts, strict=True)]
        keys = list(folded[0]) if len(folded) == 1 else list(zip(*folded, strict=True)) if folded else [()] * count
        if self._has_constant or any(all(map(str.strip, cells)) for cells in texts):
            return keys
        blank = [not any(map(str.strip, cells)) for cells in zip(*texts, strict=True)]
        return [None if is_blank else key for is_blank, key in zip(blank, keys, strict=True)]


def key_of(known: Laid) -> KeyOf | None:
    """The reader of a layout's natural key; None where its rows do not hold all of it as texts."""
    layout = known.layout
    by_field = {column.field: index for index, column in enumerate(layout.columns) if known.field(column) and not column.part}
    if not layout.key or not all(field in by_field or field in layout.constants for field in layout.key):
        return None
    return KeyOf(known, [by_field[field] for field in layout.key if field in by_field])


class Keys:
    """Finds the rows of a step whose key an earlier row has."""

    def __init__(self, key: KeyOf, *, again: Callable[[], Iterator[Row]]) -> None:
        """`again` reads the step's rows once more from the first on: asked for when keys cease to ascend."""
        self._key = key
        self._again = again
        self._count = 0
        self._last: Any = None
        self._seen: Seen | None = None

    def repeated(self, rows: Sequence[Row], keys: Sequence[Any]) -> dict[int, int]:
        """By place among the rows: the number of the earlier row with the same key. To be told all rows, in order."""
        known = list(filter(lambda key: key is not None, keys)) if None in keys else keys
        if self._seen is None:
            if not known or self._ascends(known):
                self._last = known[-1] if known else self._last
                self._count += len(rows)
                return {}
            self._seen = self._read_again()
        seen = self._seen
        firsts = ((place, seen.add(key, row=rows[place].number)) for place, key in enumerate(keys) if key is not None)
        return {place: first for place, first in firsts if first is not None}

    def _ascends(self, keys: Sequence[Any]) -> bool:
        try:
            return (self._last is None or self._last < keys[0]) and all(map(lt, keys, keys[1:]))
        except TypeError:  # a text that is no value of the field stands among values
            return False

    def _read_again(self) -> Seen:
        seen = Seen()
        rows = islice(self._again(), self._count)
        while chunk := list(islice(rows, _CHUNK)):
            for row, key in zip(chunk, self._key.keys(columns(chunk), count=len(chunk)), strict=True):
                if key is not None:
                    seen.add(key, row=row.number)
        return seen


def fold(field: Field) -> Fold:
    """What makes texts of a field comparable, many at once: see `comparing.folded`."""
    pattern = lines.pattern(field)
    if field.type is FieldType.STRING and not field.symbols:
        return _texts
    if pattern and field.type in _QUICKLY:
        return partial(_plain, field, pattern, _QUICKLY[field.type])
    return partial(_each, field)


def _texts(cells: Sequence[str]) -> Sequence[Any]:
    return list(map(str.casefold, map(str.rstrip, cells)))


def _plain(field: Field, pattern: Any, read: Callable[[str], object], cells: Sequence[str]) -> Sequence[Any]:
    return list(map(read, cells)) if lines.suit(pattern, cells) else _each(field, cells)


def _each(field: Field, cells: Sequence[str]) -> Sequence[Any]:
    return [comparing.folded(field, cell) for cell in cells]


#: Readers of plain texts whose values are equal to those of `comparing`, and have the same hash.
_QUICKLY: Final[dict[FieldType, Callable[[str], object]]] = {FieldType.INTEGER: int, FieldType.DATE: date.fromisoformat}
