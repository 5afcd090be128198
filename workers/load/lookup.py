"""Which documents of a batch AX already holds: found by natural key, with what the service offers for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from connector.wire.codec import Row
from connector.wire.metadata import FieldType
from workers import aos, contract, documents
from workers.documents import Cell, Shape
from workers.errors import GiveUp, Refusal
from workers.load import compare, effect

#: The code of an answer that is larger than this worker reads.
ANSWER_TOO_LARGE: Final = "RSC-5906"

_READ_GROUP: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document that AX holds."""

    key: aos.Key
    """the key under which AX knows it"""
    record: aos.Record
    several: bool = False
    """AX holds other records of the same natural key: it is none"""


class Lookup:
    """Looks documents up on one port. Raises Retry and GiveUp, and Refusal where AX does not answer the question."""

    def __init__(self, port: aos.Port, shape: Shape, *, time_limit_s: float) -> None:
        self._port = port
        self._shape = shape
        self._cells = compare.key_cells(shape)
        self._time_limit_s = time_limit_s
        self._operations = frozenset(port.service.operations)
        self.calls = 0

    @property
    def possible(self) -> bool:
        """Whether there is a key to look up by, and an operation to do it with."""
        return self.has_whole_key and bool(self._cells) and not self._operations.isdisjoint({"find", "read"})

    @property
    def has_whole_key(self) -> bool:
        """Whether the rows hold every field of the natural key: a part of it may mean another record."""
        return len(self._cells) == len(self._shape.layout.key)

    def find(self, rows: Mapping[int, Row]) -> dict[int, Found]:
        """Those of the rows, by their number in `rows`, whose documents AX holds."""
        if not rows or not self.possible:
            return {}
        try:
            return self._found(rows)
        except (Refusal, GiveUp) as error:
            if len(rows) == 1 or not (error.code == ANSWER_TOO_LARGE or getattr(error, "too_large", False)):
                raise
        numbers = list(rows)
        half = len(numbers) // 2
        parts = ({number: rows[number] for number in part} for part in (numbers[:half], numbers[half:]))
        return {number: one for part in parts for number, one in self.find(part).items()}

    def _found(self, rows: Mapping[int, Row]) -> dict[int, Found]:
        if {"findKeys", "read"} <= self._operations:
            return self._matched(rows, self._by_keys(list(rows.values())))
        if "find" in self._operations:
            return self._matched(rows, self._by_find(list(rows.values())))
        keys = [documents.natural_key(self._shape, row) for row in rows.values()]
        if self._port.service.generic:
            return self._matched(rows, self._those_there(keys))
        return self._matched(rows, self._read_all(keys))

    def find_each(self, rows: Mapping[int, Row]) -> dict[int, Found]:
        """The same with a question per row: where AX sorts otherwise than we do, a range can miss a key."""
        found: dict[int, Found] = {}
        for number, row in rows.items():
            found |= self.find({number: row})
        return found

    def _matched(self, rows: Mapping[int, Row], found: Iterator[Found]) -> dict[int, Found]:
        known: dict[compare.Folded, Found] = {}
        for one in (one for one in found if effect.is_meant(self._shape, one.record)):
            key = compare.record_key(self._shape, one.record.values)
            known[key] = replace(one, several=True) if key in known else one
        wanted = ((number, compare.row_key(self._shape, row)) for number, row in rows.items())
        return {number: known[key] for number, key in wanted if key is not None and key in known}

    def _by_keys(self, rows: Sequence[Row]) -> Iterator[Found]:
        self.calls += 1
        keys = self._port.find_keys(self._criteria(rows), time_limit_s=self._time_limit_s)
        names = {cell.field.name for cell in self._cells}
        if keys and names <= keys[0].keys():  # the entity key is the natural key: read only what is asked for
            wanted = {compare.row_key(self._shape, row) for row in rows}
            keys = [key for key in keys if compare.record_key(self._shape, dict(key)) in wanted]
        return self._read_all(keys)

    def _by_find(self, rows: Sequence[Row]) -> Iterator[Found]:
        self.calls += 1
        records = self._port.find(self._criteria(rows), time_limit_s=self._time_limit_s)
        names = self._key_names(records)
        return (Found(key=_key_of(record, names), record=record) for record in records)

    def _key_names(self, records: Sequence[aos.Record]) -> tuple[str, ...]:
        """The fields of the entity key. A service that never told them takes either the natural key or the RecId."""
        natural = self._port.service.key or self._shape.layout.key
        if self._port.service.key or not records or "RecId" not in records[0].values or "read" not in self._operations:
            return natural
        try:
            self._read([_key_of(records[0], natural)])
        except Refusal:
            return ("RecId",)
        return natural

    def _those_there(self, keys: Sequence[aos.Key]) -> Iterator[Found]:
        """The table service leaves out what is not there, and tells two records of one key."""
        for start in range(0, len(keys), _READ_GROUP):
            for record in self._read(keys[start : start + _READ_GROUP]):
                yield Found(key=_key_of(record, self._shape.layout.key), record=record)

    def _read_all(self, keys: Sequence[aos.Key]) -> Iterator[Found]:
        for start in range(0, len(keys), _READ_GROUP):
            yield from self._read_known(keys[start : start + _READ_GROUP])

    def _read_known(self, keys: Sequence[aos.Key]) -> Iterator[Found]:
        """Reads documents of which some may not exist: AX refuses the whole call then, so the list is halved."""
        try:
            records = self._read(keys)
        except Refusal:
            records = []
        if len(records) != len(keys):  # which record is of which key is told by their order alone
            middle = len(keys) // 2
            if middle:
                yield from self._read_known(keys[:middle])
                yield from self._read_known(keys[middle:])
            return
        for key, record in zip(keys, records, strict=True):
            yield Found(key={name: record.values.get(name) or value for name, value in key.items()}, record=record)

    def _read(self, keys: Sequence[aos.Key]) -> list[aos.Record]:
        self.calls += 1
        return self._port.read(keys, time_limit_s=self._time_limit_s)

    def _criteria(self, rows: Sequence[Row]) -> list[aos.Criterion]:
        """What narrows the search to these rows' keys: key fields that are all the same, and a range over the next one."""
        criteria: list[aos.Criterion] = []
        ranged = False
        for cell in self._cells:
            texts = {compare.folded(cell, cell.text(row)): cell.text(row) or "" for row in rows}
            if len(texts) == 1:
                criteria += self._equal(cell, next(iter(texts.values())))
            elif not ranged:
                criteria.append(self._range(cell, sorted(texts.values(), key=partial(_rank, cell))))
                ranged = True
        return criteria

    def _equal(self, cell: Cell, text: str) -> list[aos.Criterion]:
        if not text:  # AX has no certain way to ask for an empty value: the answer is sorted out here
            return []
        value = contract.lexical(cell.field, text)
        return [aos.Criterion(table=self._shape.table.name, field=cell.field.name, operator=aos.Operator.EQUAL, value1=value)]

    def _range(self, cell: Cell, texts: list[str]) -> aos.Criterion:
        low, high = (contract.lexical(cell.field, text) if text else "" for text in (texts[0], texts[-1]))
        table, field = self._shape.table.name, cell.field.name
        if not low:
            return aos.Criterion(table=table, field=field, operator=aos.Operator.LESS_OR_EQUAL, value1=high)
        return aos.Criterion(table=table, field=field, operator=aos.Operator.RANGE, value1=low, value2=high)


def _key_of(record: aos.Record, names: Sequence[str]) -> aos.Key:
    return {name: record.values.get(name) or "" for name in names}


def _rank(cell: Cell, text: str) -> tuple[Any, str]:
    """AX orders an enumeration by number, and everything else by value."""
    value = compare.folded(cell, text)
    if cell.field.symbols:
        symbols = [symbol.casefold() for symbol in cell.field.symbols]
        return (symbols.index(str(value)) if value in symbols else -1), ""
    return value, "" if cell.field.type is FieldType.STRING else text
