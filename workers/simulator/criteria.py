"""QueryCriteria: which records find and findKeys answer with. Several criteria are all to be met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from workers.simulator import namespaces as ns
from workers.simulator import values
from workers.simulator.calls import Call
from workers.simulator.faults import refused
from workers.simulator.model import SYSTEM_FIELDS, Field, Service, Table
from workers.simulator.store import HIGHEST, LOWEST, Bound, Row
from workers.simulator.values import Comparable


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition on a field of a root table or of a nested one. `low` and `high` are both set for Range."""

    table: Table
    name: str
    field: Field | None
    operator: str
    low: Comparable
    high: Comparable

    def meets(self, row: Row) -> bool:
        """Whether a record of the criterion's table meets it."""
        value = values.comparable(self.field, self._text(row))
        if isinstance(value, str) is not isinstance(self.low, str):
            return False
        match self.operator:
            case "Equal":
                return value == self.low
            case "NotEqual":
                return value != self.low
            case "Greater":
                return value > self.low  # type: ignore[operator]
            case "GreaterOrEqual":
                return value >= self.low  # type: ignore[operator]
            case "Less":
                return value < self.low  # type: ignore[operator]
            case "LessOrEqual":
                return value <= self.low  # type: ignore[operator]
            case _:
                return self.low <= value <= self.high  # type: ignore[operator]

    def _text(self, row: Row) -> str | None:
        system = {"RecId": row.rec_id, "RecVersion": row.version}.get(self.name)
        return str(system) if system is not None else row.body.get(self.name)

    def bounds(self) -> tuple[Bound, Bound]:
        """Values between which the field lies, for the index."""
        match self.operator:
            case "Equal":
                return self.low, self.low
            case "Greater" | "GreaterOrEqual":
                return self.low, HIGHEST
            case "Less" | "LessOrEqual":
                return LOWEST, self.low
            case "Range":
                return self.low, self.high
            case _:
                return LOWEST, HIGHEST


def parse(request: etree._Element, service: Service) -> list[Criterion]:
    """The criteria of a request. Raises AifError where they name what the document does not have."""
    tables = {values.fold(table.name): table for table in _all(service.root)}
    return [
        _criterion({str(part.tag).rpartition("}")[2]: part.text or "" for part in element}, tables)
        for element in request.iter(f"{{{ns.QUERY_CRITERIA}}}CriteriaElement")
    ]


def _all(table: Table) -> Iterator[Table]:
    yield table
    for child in table.nested.values():
        yield from _all(child)


def _criterion(raw: dict[str, str], tables: dict[str, Table]) -> Criterion:
    source, name = raw["DataSourceName"], raw["FieldName"]
    table = tables.get(values.fold(source))
    if table is None:
        raise refused(f"The data source '{source}' in the query criteria is not part of the document.")
    field = table.fields.get(name)
    if field is None and name not in SYSTEM_FIELDS[1:]:
        raise refused(f"The field '{name}' in the query criteria is not part of the data source '{source}'.")
    try:
        low, high = values.comparable(field, raw["Value1"]), values.comparable(field, raw.get("Value2") or raw["Value1"])
    except ValueError as error:
        raise refused(f"The value '{raw['Value1']}' in the query criteria is not valid for the field '{name}'.") from error
    return Criterion(table=table, name=name, field=field, operator=raw["Operator"], low=low, high=high)


def select(call: Call) -> Iterator[Row]:
    """The root records that meet the call's criteria, oldest first."""
    criteria = parse(call.request, call.service)
    root = call.service.root
    low, high = _index_bounds(criteria, root)
    for row in call.store.scan(root.name, company=call.company, low=low, high=high):
        if all(_holds(call, criterion, root, row) for criterion in criteria):
            yield row


def _index_bounds(criteria: Sequence[Criterion], root: Table) -> tuple[Bound, Bound]:
    """The first criterion on the first key field narrows the scan; the rest are looked at row by row."""
    first = root.rules.key[:1]
    return next((c.bounds() for c in criteria if c.table is root and (c.name,) == first), (LOWEST, HIGHEST))


def _holds(call: Call, criterion: Criterion, table: Table, row: Row) -> bool:
    if criterion.table is table:
        return criterion.meets(row)
    return any(_holds(call, criterion, child, nested) for child, nested in call.nested(row, table))
