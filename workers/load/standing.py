"""Rows that stand in AX as they are: proved by AX's query service in one call, without reading their documents.

Only a row that is equal in every field that it fills counts; all others are looked up as ever, so nothing is ever written by
what is found here. Measured (tests/bench/existing_rows.py): a quarter of the time of reading documents, at a little more CPU.
"""

from collections.abc import Mapping
from typing import Final

from connector.wire.codec import Row
from connector.wire.jobs import LoadTables, Mode
from connector.wire.metadata import FieldType
from workers import aos
from workers.documents import Cell, Shape
from workers.errors import Reject, Retry, WorkerError
from workers.load import compare

#: Fewer rows are not worth a call of its own, which needs a connection of its own.
AT_LEAST: Final = 100
#: A step goes on asking while so large a part of a batch's rows stands.
_WORTH: Final = 0.5
_LIMIT_S: Final = 60.0
_REMEMBERED: Final = 1_000
#: Types whose texts can be compared with what the query service tells of a field.
_PLAIN: Final = frozenset({FieldType.STRING, FieldType.INTEGER, FieldType.DECIMAL, FieldType.DATE})
_COMPANY: Final = "DataAreaId"


class Standing:
    """Asks at the AOS that a door leads to. `useless`: where asking is of no use, shared by the threads of a process."""

    def __init__(self, door: aos.Door, *, useless: set[object]) -> None:
        """Nothing is asked yet."""
        self._door = door
        self._useless = useless
        self.calls = 0

    def unchanged(self, message: LoadTables, shape: Shape, rows: Mapping[int, Row]) -> dict[int, int] | None:
        """Those of the rows that stand in AX, each with how many empty cells kept what is there; None: nobody was asked.

        It never raises: where AX does not tell, the ordinary lookup does.
        """
        step, place = (message.ref.job, message.ref.step), (message.target.address, shape.table.name)
        if len(rows) < AT_LEAST or not self._useless.isdisjoint((step, place)):
            return None
        query = _query(message, shape, rows)
        if query is None:
            return None
        self.calls += 1
        try:
            found = aos.table_rows(self._door, message.target, query, most=2 * len(rows), time_limit_s=_LIMIT_S)
        except WorkerError as error:  # the service, or a right, is missing; or the AOS is away just now
            self._remember(step if isinstance(error, Retry) else place)
            return None
        if found is None:
            self._remember(place)
            return None
        equal = _equal(shape, rows, found, company=query.company)
        if len(equal) < _WORTH * len(rows):
            self._remember(step)
        return equal

    def _remember(self, useless: object) -> None:
        if len(self._useless) >= _REMEMBERED:
            self._useless.clear()
        self._useless.add(useless)


def _query(message: LoadTables, shape: Shape, rows: Mapping[int, Row]) -> aos.Built | None:
    """The question; None where its answer would prove nothing.

    AX takes partition and moment of validity from nobody; records of several kinds, with lines, or with structures are not
    rows of one table.
    """
    layout, table = shape.layout, shape.table
    is_one_table = not (shape.nested or table.derived or table.abstract or layout.type or layout.unit)
    if message.mode not in (Mode.UPSERT, Mode.UPDATE) or message.partition or not is_one_table or table.is_effective:
        return None
    cells = _filled(shape)
    key = next(
        (cell for cell in compare.key_cells(shape) if cell.field.type is FieldType.STRING and not cell.field.symbols), None
    )
    if key is None or layout.document or not all(map(_is_plain, cells)):
        return None
    texts = sorted((cell_text for row in rows.values() if (cell_text := key.text(row))), key=str.casefold)
    if len(texts) < len(rows):
        return None
    company = None if table.per_company is False else message.company
    names = [cell.field.name for cell in cells]
    return aos.Built(
        table=table.name,
        fields=(*names, _COMPANY) if company else names,
        ranges=(aos.Range(field=key.field.name, low=texts[0], high=texts[-1]),),
        company=company,
    )


def _equal(shape: Shape, rows: Mapping[int, Row], found: list[aos.TableRow], *, company: str | None) -> dict[int, int]:
    known: dict[compare.Folded, list[dict[str, str | None]]] = {}
    for told in found:
        if company is None or (told.get(_COMPANY) or "").casefold() == company.casefold():
            values = _values(shape, told)
            known.setdefault(compare.record_key(shape, values), []).append(values)
    equal: dict[int, int] = {}
    for number, row in rows.items():
        held = known.get(compare.row_key(shape, row) or (), [])
        if len(held) == 1 and None not in held[0].values():  # null is a field that the account may not see
            kept = _kept(shape, row, held[0])
            if kept is not None:
                equal[number] = kept
    return equal


def _kept(shape: Shape, row: Row, values: dict[str, str | None]) -> int | None:
    """How many empty cells keep what the record holds; None where the row differs from it."""
    try:
        difference = compare.difference(shape, row, aos.Record(table=shape.table.name, values=values))
    except Reject:
        return None
    return None if difference else difference.blanks_kept


def _values(shape: Shape, told: aos.TableRow) -> dict[str, str | None]:
    """A row of the query service as a record's texts: enumerations by symbol, dates without a time."""
    return {cell.field.name: _text(cell, told.get(cell.field.name)) for cell in _filled(shape)}


def _text(cell: Cell, text: str | None) -> str | None:
    if text is None:
        return None
    if cell.field.symbols:
        named = dict(zip(map(str, cell.field.numbers), cell.field.symbols, strict=True))
        return named.get(text)
    return text[:10] if cell.field.type is FieldType.DATE else text


def _filled(shape: Shape) -> list[Cell]:
    return [cell for cell in shape.cells if cell.column is not None or cell.constant is not None]


def _is_plain(cell: Cell) -> bool:
    field = cell.field
    return field.type in _PLAIN and len(field.numbers) == len(field.symbols) and not cell.part and not field.attributes
