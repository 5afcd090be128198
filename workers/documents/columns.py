"""A column of cells -> the texts of its elements, all at once; and whether the port's schema surely takes every one of them.

It never guesses: a cell that cannot be written raises, and where it is not sure the schema itself must be asked.
"""

import re
from collections.abc import Sequence
from typing import Final

from connector.wire import lines, metadata, values
from connector.wire.metadata import FieldType
from workers import contract
from workers.documents import text

#: A longer text is left to the schema's own parser, which has a limit.
_LONGEST: Final = 1_000_000

#: Text that stands for itself. Whether it is in range is not said by that: a schema does.
_PLAIN: Final = {
    FieldType.INTEGER: re.compile(r"-?[0-9]+"),
    FieldType.DECIMAL: re.compile(r"-?[0-9]+(?:\.[0-9]+)?"),
}
#: Lexical forms of which every reader makes the same, where the value is in range and of the calendar.
_SURE: Final = {
    FieldType.INTEGER: re.compile(r"-?[0-9]{1,18}"),
    FieldType.DECIMAL: re.compile(rf"-?[0-9]{{1,{lines.DIGITS}}}(?:\.[0-9]{{1,{lines.DIGITS}}})?"),
    FieldType.DATE: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    FieldType.DATETIME: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?"),
    FieldType.TIME: re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"),
    FieldType.BOOLEAN: re.compile(r"true|false"),
}


class Text:
    """A field that any text suits, its length aside."""

    def __init__(self, field: metadata.Field) -> None:
        self._field = field
        limit = _LONGEST if field.max_length is None else min(field.max_length, _LONGEST)
        self._limit = limit if field.checked else -1

    def written(self, cells: Sequence[str]) -> tuple[Sequence[str], bool]:
        """The texts of the elements, and whether the schema surely takes them. Raises Reject for what XML has no place for.

        `cells` are filled, and at least one. The schema counts characters; AX counts UTF-16 units, of which some take two,
        and would cut off what is over: that is refused here, for the schema would let it pass.
        """
        joined = "".join(cells)
        if not joined.isascii():
            for cell in filter(self._would_be_cut, cells):
                contract.lexical(self._field, cell)
        sure = max(map(len, cells)) <= self._limit
        if text.is_plain(joined):
            return cells, sure
        return [text.escaped(cell) for cell in cells], sure

    def _would_be_cut(self, cell: str) -> bool:
        most = self._field.max_length
        return most is not None and len(cell) <= most < values.length(cell)


class Typed:
    """A field of symbols, numbers, dates and the like: what a cell becomes is looked up, for values repeat."""

    def __init__(self, field: metadata.Field) -> None:
        self._checked = field.checked
        self._lines = lines.pattern(field)
        self._lexicon = _Lexicon(field)

    def written(self, cells: Sequence[str]) -> tuple[Sequence[str], bool]:
        """The texts of the elements, and whether the schema surely takes them. Raises Reject where a cell is no such value."""
        if self._lines and lines.suit(self._lines, cells):
            return cells, self._checked
        texts = list(map(self._lexicon.__getitem__, cells))
        return texts, self._checked and self._lexicon.doubts.isdisjoint(cells)


class _Lexicon(dict[str, str]):
    """Cell text -> element text of one field that is not plain text."""

    def __init__(self, field: metadata.Field) -> None:
        super().__init__()
        self.doubts: set[str] = set()
        """cells of which the schema must say whether it takes them"""
        self._field = field
        self._plain = None if field.symbols else _PLAIN.get(field.type)

    def __missing__(self, cell: str) -> str:
        is_plain = self._plain is not None and self._plain.fullmatch(cell) is not None
        written = cell if is_plain else text.escaped(contract.lexical(self._field, cell))
        if not _is_sure(self._field, written):
            self.doubts.add(cell)
        self[cell] = written
        return written


def column(field: metadata.Field) -> Text | Typed:
    """How the cells of a field are written."""
    return Text(field) if is_free_text(field) else Typed(field)


def is_free_text(field: metadata.Field) -> bool:
    """Whether any text suits the field, its length aside."""
    return field.type is FieldType.STRING and not field.symbols


def _is_sure(field: metadata.Field, written: str) -> bool:
    if field.symbols:
        return written in field.symbols
    form = _SURE.get(field.type)
    return form is not None and form.fullmatch(written) is not None and values.fits(field, written) is None
