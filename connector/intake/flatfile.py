"""CSV files: encoding and delimiter are found from the content, rows are handed on exactly as written.

Never changes a cell: no number is parsed, no blank trimmed.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import IO, Final

from connector.errors import PackageRefused, Place
from connector.intake import guarded, headers
from connector.intake.sources import Source, reading
from connector.intake.values import Action, Limits
from connector.wire.codec import Row

_DELIMITERS: Final = (",", ";", "\t", "|")
_SAMPLE_CHARS: Final = 64_000
_SAMPLE_RECORDS: Final = 100
_CHUNK: Final = 1 << 20
#: The longest cell, in characters. The csv module's own ceiling (128 KB) is below what a memo field may hold.
_CELL_CEILING: Final = 4_000_000
_RAGGED_SHOWN: Final = 10

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

csv.field_size_limit(_CELL_CEILING)  # the module has one ceiling for the whole process


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    encoding: str
    delimiter: str
    longest: int
    """the most characters of a record"""


class _Lines:
    """The lines of a text, for a reader that asks for as many as a record has: no record grows without bounds."""

    def __init__(self, text: io.TextIOWrapper, *, longest: int) -> None:
        self._text, self._longest = text, longest
        self.spent = 0
        """characters of the record at hand; whoever takes a record sets it to 0"""

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(self._longest + 1):
            self.spent += len(line)
            if self.spent > self._longest:
                raise _TooLong
            yield line


class _TooLong(Exception):
    """A record is longer than any record is."""


def open_flatfile(source: Source, *, limits: Limits) -> tuple[Action, tuple[str, ...]]:
    """The one action of a CSV file, and notices about how it was read.

    UTF-8 and UTF-16 are told by their marks, or by being valid; anything else is read as Windows-1252, with a notice.
    Raises PackageRefused.
    """
    encoding, notices = _encoding(source)
    dialect = _Dialect(encoding=encoding, delimiter=_delimiter(source, encoding), longest=limits.record_bytes)
    header = next(_records(source, dialect), None)
    if header is None:
        raise PackageRefused(
            "the file is empty: it has no line of column names.",
            advice="Write the column names into its first line.",
            place=Place(file=source.name),
        )
    columns = headers.checked(header.cells, most=limits.columns, place=Place(file=source.name, row=header.number))
    read = partial(_rows, source, dialect, width=len(columns))
    if columns[0] == guarded.TITLE:
        read = partial(_freed, read)
    return Action(entity=source.stem, file=source.name, columns=columns, read=read), notices


def _freed(read: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    """The rows of a file that guards its texts from spreadsheets."""
    for number, cells, _ in read():
        yield Row(number, [cell and guarded.bare(cell) for cell in cells])


def _rows(source: Source, dialect: _Dialect, *, width: int) -> Iterator[Row]:
    """Every record after the header. The first ragged one ends the reading, once the next few have been looked for as well."""
    records = _records(source, dialect)
    next(records, None)
    for row in records:
        if len(row.cells) != width:
            raise _ragged([row, *islice((r for r in records if len(r.cells) != width), _RAGGED_SHOWN - 1)], source, width)
        yield row


def _records(source: Source, dialect: _Dialect) -> Iterator[Row]:
    """Every record that is not blank, with the number of the line where it starts."""
    with reading(source.name), source.open() as raw, _text(raw, dialect.encoding) as text:
        # Strict: text after a closing quote, or a quote that never closes, is an error and not data.
        lines = _Lines(text, longest=dialect.longest)
        reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                lines.spent = 0
                if any(map(str.strip, cells)):
                    yield Row(line, cells)  # type: ignore[arg-type]  # list[str] where None is allowed too: nobody adds one
                line = reader.line_num + 1
        except _TooLong:
            raise PackageRefused(
                f"the record is longer than {dialect.longest:,} characters.",
                advice="Look for a quotation mark that never closes, or for missing line breaks.",
                place=Place(file=source.name, row=line),
            ) from None
        except csv.Error as error:
            raise PackageRefused(
                f"the record cannot be read as CSV ({error}).",
                advice="Look for a stray or missing quotation mark.",
                place=Place(file=source.name, row=line),
            ) from error
        except UnicodeDecodeError as error:
            raise PackageRefused(
                "the bytes from here on are not text in the file's encoding.",
                advice="Save the file as UTF-8.",
                place=Place(file=source.name, row=line),
            ) from error


def _ragged(rows: list[Row], source: Source, width: int) -> PackageRefused:
    lines = ", ".join(str(row.number) for row in rows)
    more = " and perhaps more" if len(rows) == _RAGGED_SHOWN else ""
    return PackageRefused(
        f"the header has {width} columns, but the record here has {len(rows[0].cells)}. Lines that do not fit: {lines}{more}.",
        advice="Put cells that hold the delimiter or a line break into quotation marks.",
        place=Place(file=source.name, row=rows[0].number),
    )


def _text(raw: IO[bytes], encoding: str) -> io.TextIOWrapper:
    # newline="" leaves line breaks inside quotes as they are.
    return io.TextIOWrapper(raw, encoding=encoding, newline="")


def _encoding(source: Source) -> tuple[str, tuple[str, ...]]:
    head = source.head(1024)
    marked = next((encoding for bom, encoding in _BOMS if head.startswith(bom)), None)
    if marked:
        _scan(source, marked)
        return marked, ()
    if len(head) >= 2 and not any(head[1:64:2]) and all(head[0:64:2]):
        _scan(source, "utf-16-le")
        return "utf-16-le", ()
    try:
        _scan(source, "utf-8")
    except UnicodeDecodeError:
        return "cp1252", (f"{source.name} is not UTF-8: it is read as Windows-1252. Save it as UTF-8 if letters look wrong.",)
    return "utf-8", ()


def _scan(source: Source, encoding: str) -> None:
    """Go once through the whole file, so that rows never fail half-way on its encoding.

    Raises UnicodeDecodeError where the encoding is a supposition, PackageRefused for a NUL or where a mark promised it.
    """
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 1
    with reading(source.name), source.open() as raw:
        while True:
            chunk = raw.read(_CHUNK)
            try:
                text = decoder.decode(chunk, not chunk)
            except UnicodeDecodeError as error:
                if encoding == "utf-8":
                    raise
                advice = "Save the file as UTF-8."
                raise PackageRefused(
                    f"the file is not valid {encoding}.", advice=advice, place=Place(file=source.name)
                ) from error
            if "\0" in text:
                line = lines + _line_breaks(text.partition("\0")[0])
                raise PackageRefused(
                    "there is a NUL character in the text.",
                    advice="Export the file again.",
                    place=Place(file=source.name, row=line),
                )
            lines += _line_breaks(text)
            if not chunk:
                return


def _line_breaks(text: str) -> int:
    return len(re.findall(r"\r\n?|\n", text)) if "\r" in text else text.count("\n")


def _delimiter(source: Source, encoding: str) -> str:
    """The candidate that cuts the first records into equally many cells, and into most."""
    with reading(source.name), source.open() as raw, _text(raw, encoding) as text:
        try:
            sample = text.read(_SAMPLE_CHARS)
        except UnicodeDecodeError:
            return ","  # said with its line when the records are read
    scores = {delimiter: _score(sample, delimiter) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: scores[delimiter])


def _score(sample: str, delimiter: str) -> tuple[bool, int]:
    whole = len(sample) < _SAMPLE_CHARS
    try:
        records = list(islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), _SAMPLE_RECORDS))
    except csv.Error:
        return False, 0
    widths = [len(record) for record in (records if whole or len(records) == 1 else records[:-1]) if any(map(str.strip, record))]
    width = widths[0] if widths else 0
    return width > 1 and set(widths) == {width}, width
