"""The customer's table service (deploy/ax/CONTRACT.md): rows of any table that AX' administrator allows.

There is no public contract of Microsoft's generic document service: this one is the project's own, and known by its namespace.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from connector.wire import metadata
from connector.wire.metadata import Document, Field, FieldType, Table
from workers.aos import situations
from workers.aos.door import Door
from workers.aos.loading import Contract
from workers.aos.port import READ_LIMIT_S, Port
from workers.aos.values import Key, Record, SchemaProblem
from workers.errors import Complaint, GiveUp, Refusal

NAMESPACE: Final = "http://rapidstart-connector/ax/2026/services"
NAME: Final = "RapidStartTableService"

_DATA: Final = "http://schemas.datacontract.org/2004/07/Dynamics.Ax.Application"
_ARRAYS: Final = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_WRITES: Final = {"create": "createRows", "update": "updateRows", "delete": "deleteRows"}
_TYPES: Final = {
    "String": FieldType.STRING,
    "Integer": FieldType.INTEGER,
    "Int64": FieldType.INTEGER,
    "Real": FieldType.DECIMAL,
    "Date": FieldType.DATE,
    "Time": FieldType.TIME,
    "UtcDateTime": FieldType.DATETIME,
    "Enum": FieldType.STRING,
    "Guid": FieldType.GUID,
}
_BITS: Final = {"Integer": 32, "Int64": 64}
#: How the service marks the row in the fault of a row that failed while it was written.
_ROW: Final = re.compile(r"Row (\d{1,6})\b")


def is_one(service: metadata.Service) -> bool:
    """Whether a service of a port is the table service."""
    return (service.namespace, service.name) == (NAMESPACE, NAME)


def tables(port: Port, names: Sequence[str] = ()) -> tuple[Table, ...]:
    """The tables of these names, or all that are allowed. Raises Refusal, Retry, GiveUp."""
    response = port.ask("describe", f"<_tables>{_strings(names)}</_tables>", time_limit_s=READ_LIMIT_S)
    return tuple(map(_table, response.iter(f"{{{_DATA}}}RapidStartTableInfo")))


def companies(port: Port) -> tuple[str, ...]:
    """The companies that AX lets the account enter. Raises Refusal, Retry, GiveUp."""
    response = port.ask("companies", "", time_limit_s=READ_LIMIT_S)
    return tuple(_text(company, "Id") for company in response.iter(f"{{{_DATA}}}RapidStartCompany"))


def described(port: Port) -> metadata.Service:
    """The table service with all tables that are allowed. Raises Refusal, Retry, GiveUp."""
    return _service(port.service, tables(port))


class TablePort(Port):
    """The table service, open for one table; it is called as the port of a document service is."""

    def __init__(
        self,
        door: Door,
        contract: Contract,
        service: metadata.Service,
        *,
        table: str,
        company: str,
        language: str,
        partition: str | None,
    ) -> None:
        """Asks for the table's fields, once for each contract that is kept. Raises Refusal, Retry, GiveUp."""
        super().__init__(door, contract, service, company=company, language=language, partition=partition)
        if table not in contract.tables:
            contract.tables.update({found.name: found for found in tables(self, [table])})
        known = contract.tables.get(table)
        if known is None:
            raise GiveUp(
                f"The table service does not tell of a table {table}.",
                advice="Put it on the allow-list in AX, read the endpoint's metadata again (rapidstart endpoint metadata NAME "
                "--refresh), and load again.",
                code="RSC-5934",
            )
        self.service = _service(service, (known,))
        self._table = known

    def create(self, body: bytes, *, message_id: str, time_limit_s: float) -> list[Key]:
        """Creates rows, all or none. Raises Refusal with a complaint for every row that is wrong."""
        results = self._written("create", body, message_id=message_id, time_limit_s=time_limit_s)
        return [{"RecId": result.findtext(f"{{{_DATA}}}RecId") or ""} for result in results]

    def update(self, body: bytes, *, message_id: str, time_limit_s: float) -> None:
        """Updates rows, all or none. Raises Refusal; a row that is refused for no field may have changed since it was read."""
        self._written("update", body, message_id=message_id, time_limit_s=time_limit_s)

    def delete(self, body: bytes, *, message_id: str, time_limit_s: float) -> None:
        """Deletes rows, all or none. Raises Refusal."""
        self._written("delete", body, message_id=message_id, time_limit_s=time_limit_s)

    def read(self, keys: Sequence[Key], *, time_limit_s: float = READ_LIMIT_S) -> list[Record]:
        """The records of these keys, all of the same fields, that are there; two of one key where it is not unique."""
        if not keys:
            return []
        names = list(keys[0])
        fields = [*names, *(field.name for field in self._table.fields if field.name not in names)]
        asked = "".join(
            f'<RapidStartKey xmlns="{_DATA}"><Values>{_strings(list(key.values()))}</Values></RapidStartKey>' for key in keys
        )
        content = (
            f"<_table>{self._table.name}</_table><_keyFields>{_strings(names)}</_keyFields>"
            f"<_keys>{asked}</_keys><_fields>{_strings(fields)}</_fields>"
        )
        response = self.ask("readRows", content, time_limit_s=time_limit_s)
        return [_record(self._table, row) for row in response.iter(f"{{{_DATA}}}RapidStartRow")]

    def invalid(self, document: bytes) -> list[SchemaProblem]:
        """What the port's own schema finds wrong with a request."""
        operation = next(
            (one for one in _WRITES.values() if f"<{self.element(one)[0]} ".encode() in document[:200]), "createRows"
        )
        return self.invalid_call(operation, document)

    def _written(self, operation: str, body: bytes, *, message_id: str, time_limit_s: float) -> list[etree._Element]:
        try:
            response = self._write(_WRITES[operation], body, message_id=message_id, time_limit_s=time_limit_s)
        except Refusal as refusal:
            raise _placed(refusal) from refusal
        results = list(response.iter(f"{{{_DATA}}}RapidStartRowResult"))
        complaints = tuple(_complaints(results))
        if complaints:
            is_stale = operation != "create" and all(complaint.field is None for complaint in complaints)
            message = " ".join(dict.fromkeys(complaint.message for complaint in complaints[:5]))
            raise Refusal(message, complaints=complaints, code=situations.STALE_HASH if is_stale else "")
        return results


def _service(service: metadata.Service, found: Sequence[Table]) -> metadata.Service:
    document = Document(name=NAME, namespace=NAMESPACE, tables=tuple(found))
    operations = (*service.operations, *_WRITES, "read")
    return service.model_copy(update={"document": document, "operations": operations, "generic": True})


def _table(info: etree._Element) -> Table:
    fields = [field for each in info.iter(f"{{{_DATA}}}RapidStartFieldInfo") for field in _fields(each)]
    return Table(
        name=_text(info, "Name"),
        fields=tuple(fields),
        order=tuple(field.name for field in fields),
        repeats=True,
        key=_key(info, {field.name for field in fields}),
        per_company=None if info.find(f"{{{_DATA}}}SavedPerCompany") is None else _is(info, "SavedPerCompany"),
    )


def _key(info: etree._Element, known: set[str]) -> tuple[str, ...]:
    """The replacement key, else the primary one, else the first unique index; only of fields that rows can carry."""
    found: list[tuple[int, tuple[str, ...]]] = []
    for index in info.iter(f"{{{_DATA}}}RapidStartIndexInfo"):
        names = tuple(name.text or "" for name in index.iterfind(f"{{{_DATA}}}Fields/{{{_ARRAYS}}}string"))
        rank = 0 if _is(index, "ReplacementKey") else 1 if _is(index, "PrimaryKey") else 2
        if names and known.issuperset(names):
            found.append((rank, names))
    return min(found, key=lambda one: one[0])[1] if found else ()


def _fields(info: etree._Element) -> Iterator[Field]:
    """The field, or, where it holds the RecId of another record, the paths that stand for it."""
    reference = info.find(f"{{{_DATA}}}Reference")
    if not _is(info, "Supported"):
        return
    if reference is not None and reference.get(_NIL) not in ("true", "1"):
        for path in reference.iterfind(f"{{{_DATA}}}KeyFields/{{{_ARRAYS}}}string"):
            yield Field(name=path.text or "", label=_text(info, "Label"))
        return
    kind = _text(info, "FieldType")
    if kind not in _TYPES:
        return
    bits = _BITS.get(kind)
    entries = list(info.iter(f"{{{_DATA}}}RapidStartEnumEntry"))
    labels = tuple(_text(entry, "Label") for entry in entries)
    yield Field(
        name=_text(info, "Name"),
        type=_TYPES[kind],
        type_name=_text(info, "ExtendedType") or _text(info, "EnumName"),
        mandatory=_is(info, "Mandatory"),
        max_length=int(_text(info, "StringSize") or 0) or None if kind == "String" else None,
        minimum=str(-(2 ** (bits - 1))) if bits else None,
        maximum=str(2 ** (bits - 1) - 1) if bits else None,
        symbols=tuple(_text(entry, "Symbol") for entry in entries),
        labels=labels if any(labels) else (),
        numbers=tuple(int(_text(entry, "Value") or 0) for entry in entries),
        label=_text(info, "Label"),
    )


def _record(table: Table, row: etree._Element) -> Record:
    values: dict[str, str | None] = {
        _text(value, "Field"): None if _is(value, "IsNull") else _text(value, "Value")
        for value in row.iter(f"{{{_DATA}}}RapidStartValue")
    }
    values |= {name: _text(row, name) for name in ("RecId", "RecVersion")}
    return Record(table=table.name, values=values)


def _complaints(results: Sequence[etree._Element]) -> Iterator[Complaint]:
    for result in results:
        if _text(result, "Outcome") == "Refused":
            texts = [_text(message, "Text") for message in result.iter(f"{{{_DATA}}}RapidStartMessage")]
            yield Complaint(
                message=" ".join(filter(None, texts)) or "AX refused the row and gave no reason.",
                record=int(_text(result, "Index") or 0) or None,
                field=_text(result, "Field") or None,
            )


def _placed(refusal: Refusal) -> Refusal:
    """A row that failed while it was written is named in the text."""
    found = _ROW.match(refusal.message)
    if found is None or refusal.duplicate or any(complaint.record for complaint in refusal.complaints):
        return refusal
    said = Complaint(message=refusal.message, record=int(found[1]))
    return Refusal(refusal.message, advice=refusal.advice, complaints=(said,), signs=refusal.signs, code=refusal.code)


def _strings(values: Sequence[str]) -> str:
    return "".join(f'<string xmlns="{_ARRAYS}">{escape(value)}</string>' for value in values)


def _text(element: etree._Element, name: str) -> str:
    return element.findtext(f"{{{_DATA}}}{name}") or ""


def _is(element: etree._Element, name: str) -> bool:
    return _text(element, name) in ("true", "1")
