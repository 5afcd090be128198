"""readRows: the records of keys; a key without a record is no fault, one with several is told twice."""

from itertools import islice
from typing import Final

from lxml import etree

from workers.simulator.faults import refused
from workers.simulator.model import Table
from workers.simulator.store import Row
from workers.simulator.tableservice import datacontracts as dc
from workers.simulator.tableservice import request as ask
from workers.simulator.tableservice import valuetexts
from workers.simulator.tableservice.request import TableCall

#: Enough for a caller to see that a key is none.
MOST_PER_KEY: Final = 2


def read_rows(call: TableCall) -> str:
    """The rows that exist, each with the number of its key. Raises AifError."""
    table = call.table()
    key_fields, keys = dc.texts(call.request, "_keyFields"), dc.items(call.request, "_keys", "RapidStartKey")
    call.at_most(len(keys))
    fields = dc.texts(call.request, "_fields") or list(ask.paths(call, table))
    _check(call, table, [*key_fields, *fields])
    found = [
        _row(call, table, row, index=number, fields=fields)
        for number, key in enumerate(keys, 1)
        for row in islice(ask.search(call, table, _wanted(call, table, key_fields, key)), MOST_PER_KEY)
    ]
    return dc.response(found)


def _check(call: TableCall, table: Table, paths: list[str]) -> None:
    for path in paths:
        try:
            ask.resolve(call, table, path)
        except ask.NoField as wrong:
            raise ask.not_found(str(wrong)) from wrong


def _wanted(call: TableCall, table: Table, key_fields: list[str], key: etree._Element) -> dict[str, str | None]:
    texts = dc.texts(key, "Values")
    if not key_fields or len(texts) != len(key_fields):
        raise refused(f"A key has {len(texts)} values for {len(key_fields)} key fields.", code=ask.BAD_REQUEST)
    wanted: dict[str, str | None] = {}
    for path, text in zip(key_fields, texts, strict=True):
        try:
            wanted[path] = valuetexts.parse(ask.resolve(call, table, path)[1], text) if text else None
        except ValueError as wrong:
            raise refused(str(wrong), code=ask.BAD_REQUEST) from wrong
    return wanted


def _row(call: TableCall, table: Table, row: Row, *, index: int, fields: list[str]) -> str:
    cells = [_cell(call, table, row, path) for path in fields]
    return dc.record("RapidStartRow", Index=index, RecId=row.rec_id, RecVersion=row.version, Values=cells)


def _cell(call: TableCall, table: Table, row: Row, path: str) -> str:
    stored = ask.held(call, table, row.body, path)
    text, null = valuetexts.tell(ask.resolve(call, table, path)[1], stored)
    if "." in path and stored is None:  # the reference leads nowhere
        text, null = "", True
    return dc.record("RapidStartValue", Field=path, IsNull=null, Value=text)
