"""The values that a row names -> what its table would keep: texts read, the parts of references put together and found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from workers.simulator import values
from workers.simulator.model import Table
from workers.simulator.tableservice import datacontracts as dc
from workers.simulator.tableservice import request as ask
from workers.simulator.tableservice import valuetexts
from workers.simulator.tableservice.request import NoField, TableCall


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    path: str
    text: str | None
    """None is null"""


def resolve(call: TableCall, table: Table, row: etree._Element) -> tuple[dict[str, str | None], tuple[tuple[str, str], ...]]:
    """The given values by field, as the table keeps them; references found by the parts that the row names."""
    given: dict[str, str | None] = {}
    parts: dict[str, dict[str, str | None]] = {}
    wrong: list[tuple[str, str]] = []
    for cell in _cells(row):
        try:
            _place(call, table, cell, given, parts)
        except (NoField, ValueError) as error:
            wrong.append((cell.path, str(error)))
    for name, wanted in parts.items() if not wrong else ():
        try:
            given[name] = _referred(call, table, name, wanted)
        except ValueError as error:
            wrong.append((f"{name}.{next(iter(wanted))}", str(error)))
    return given, tuple(wrong)


def _cells(row: etree._Element) -> Iterator[_Cell]:
    for each in dc.items(row, "Values", "RapidStartValue"):
        null = dc.truth(each, "IsNull")
        yield _Cell(path=dc.value(each, "Field"), text=None if null else dc.value(each, "Value"))


def _place(
    call: TableCall, table: Table, cell: _Cell, given: dict[str, str | None], parts: dict[str, dict[str, str | None]]
) -> None:
    found = ask.resolve(call, table, cell.path)[1]
    text = None if cell.text is None else valuetexts.parse(found, cell.text)
    first, _, rest = cell.path.partition(".")
    name = next(each for each in table.fields if values.fold(each) == values.fold(first))
    if not rest and text is not None and ask.target_of(call, table, name) is not None:
        raise NoField(f"The field '{name}' refers to a record; name the fields of its key, not a number.")
    place = parts.setdefault(name, {}) if rest else given
    if (rest or name) in place or (rest and name in given):
        raise NoField(f"The field '{cell.path}' is named twice.")
    place[rest or name] = text


def _referred(call: TableCall, table: Table, name: str, wanted: Mapping[str, str | None]) -> str | None:
    if all(text is None for text in wanted.values()):
        return None
    target = ask.target_of(call, table, name)
    found = [] if target is None else [row.rec_id for row in ask.search(call, target, wanted)]
    if len(found) == 1:
        return str(found[0])
    shown = ", ".join(f"{path}: {text}" for path, text in wanted.items())
    count = f"{len(found)} records" if found else "no record"
    raise ValueError(f"The reference '{name}' finds {count} in the table '{target.name if target else ''}'. {shown}.")
