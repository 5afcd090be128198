"""Rows -> a text file in a source data format of the Data Import/Export Framework."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from connector.wire import values
from connector.wire.codec import Row
from connector.wire.jobs import Layout
from connector.wire.metadata import Field, FieldType
from connector.wire.reports import Problem
from workers.errors import Reject

#: How the mapping's `formats` name what a column holds.
_TYPES: Final = {"decimal": FieldType.DECIMAL, "date": FieldType.DATE, "datetime": FieldType.DATETIME}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatFormat:
    """A source data format, as it is set up in AX."""

    column_delimiter: str = ","
    row_delimiter: str = "\r\n"
    text_qualifier: str = '"'
    header: bool = True
    encoding: str = "utf-8"
    """Python's name of the code page; utf-8-sig and utf-16 bring a byte order mark"""
    decimal_separator: str = "."
    date_format: str = "%Y-%m-%d"
    """of columns that the mapping's formats call dates, as strftime has it"""
    multi_value_delimiter: str = ";"
    """between the values of a column that the mapping's formats call values; in its cells each has a line"""
    chart_of_accounts_delimiter: str = "-"
    """between the parts of an account, which stand in columns like LedgerDimension.MainAccount"""


def flat_row(layout: Layout, row: Row, *, form: FlatFormat, formats: Mapping[str, str]) -> str:
    """One row as a line, its delimiter included. `formats`: what columns hold that are no plain text, by field.

    Columns like `LedgerDimension.MainAccount` that stand side by side become one, with the parts of the account joined.
    Raises Reject where a cell cannot stand in this format.
    """
    cells = (_cell(layout, row, name, indexes, form, formats) for name, indexes in _columns(layout))
    return form.column_delimiter.join(cells) + form.row_delimiter


def flat_problems(layout: Layout, row: Row, *, index: int, form: FlatFormat, formats: Mapping[str, str]) -> list[Problem]:
    """Every cell of a row that cannot stand in this format; `index` is the row's place in its batch."""
    found: list[Problem] = []
    for name, indexes in _columns(layout):
        try:
            _cell(layout, row, name, indexes, form, formats)
        except Reject as error:
            texts = [row.cells[i] or "" for i in indexes]
            place = {"row": index, "column": layout.columns[indexes[0]].name, "field": name, "value": " ".join(texts)}
            code = error.code.replace("RSC-51", "RSC-31")
            found.append(Problem(**place, message=error.message, advice=error.advice, code=code))
    return found


def flat_header(layout: Layout, *, form: FlatFormat) -> str:
    """The line of column names; "" where the format has none. Raises Reject."""
    if not form.header:
        return ""
    return form.column_delimiter.join(_qualified(name, name, form) for name, _ in _columns(layout)) + form.row_delimiter


def encoded(lines: Iterable[str], *, form: FlatFormat) -> bytes:
    """The file's bytes. `flat_row` has refused what the code page lacks."""
    return "".join(lines).encode(form.encoding)


def _columns(layout: Layout) -> Iterator[tuple[str, list[int]]]:
    """The columns of the file, and the cells that each is made of."""

    def account(index: int) -> str | int:
        name, dot, _ = layout.columns[index].field.partition(".")
        return name if dot else index

    for _, group in groupby(range(len(layout.columns)), key=account):
        indexes = list(group)
        yield layout.columns[indexes[0]].field.partition(".")[0], indexes


def _cell(layout: Layout, row: Row, name: str, indexes: Sequence[int], form: FlatFormat, formats: Mapping[str, str]) -> str:
    """A column of the file, as it stands in the line. Raises Reject."""
    texts = [_formatted(row.cells[i] or "", layout.columns[i].field, formats, form) for i in indexes]
    return _qualified(_joined(texts, form.chart_of_accounts_delimiter, name) if any(texts) else "", name, form)


def _formatted(text: str, name: str, formats: Mapping[str, str], form: FlatFormat) -> str:
    kind = formats.get(name, "")
    if kind == "values":
        return _joined(text.splitlines(), form.multi_value_delimiter, name)
    if not text or kind not in _TYPES:
        return text
    field = Field(name=name, type=_TYPES[kind])
    try:
        written = values.lexical(field, text)
        if kind == "decimal":
            return written.replace(".", form.decimal_separator)
        return values.moment(written).strftime(form.date_format)
    except values.Unfit as unfit:
        raise Reject(unfit.message, advice=unfit.advice, code=unfit.code) from unfit


def _joined(parts: Sequence[str], delimiter: str, name: str) -> str:
    """The parts as one text. Raises Reject where AX would take one of them for several."""
    if len(parts) > 1 and any(delimiter in part for part in parts):
        raise Reject(
            f"{name}: a value holds {delimiter!r}, which stands between values.",
            advice="Change the value, or the delimiter in AX and in the worker's settings.",
            code="RSC-5106",
        )
    return delimiter.join(parts)


def _qualified(text: str, name: str, form: FlatFormat) -> str:
    try:
        text.encode(form.encoding)
    except UnicodeEncodeError as error:
        raise Reject(
            f"{name}: the character {text[error.start]!r} is not in the code page {form.encoding}.",
            advice="Replace the character, or set up the source data format with Unicode.",
            code="RSC-5105",
        ) from error
    special = any(mark and mark in text for mark in (form.column_delimiter, form.row_delimiter, form.text_qualifier, "\n", "\r"))
    if not special and text.strip() == text:
        return text
    if special and not form.text_qualifier:
        raise Reject(
            f"{name}: the text holds a delimiter, and the source data format has no text qualifier.",
            advice="Set up a text qualifier in AX and in the worker's settings, or change the cell.",
            code="RSC-5106",
        )
    mark = form.text_qualifier
    return f"{mark}{text.replace(mark, mark * 2)}{mark}" if mark else text
