"""The operations that change records: create, update, delete; with the cruelties of AX 2012.

The first record that is wrong ends the call, with everything that is wrong with it; the transaction undoes the rest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from workers.simulator import envelope, values
from workers.simulator.calls import Call, entity_key, index_of
from workers.simulator.envelope import Incoming, Key
from workers.simulator.faults import AifError, Complaint, refused
from workers.simulator.model import TYPE, Kind, Table
from workers.simulator.reading import document_hash
from workers.simulator.store import Index, Row

#: The last moment that AX knows: no end.
_NEVER: Final = "2154-12-31T23:59:59Z"
_CONFLICT = "An update conflict occurred due to another user process deleting the record or changing one or more fields in it."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parent:
    """The record that another is nested in."""

    rec_id: int
    table: Table
    body: Mapping[str, str]


def create(call: Call) -> str:
    """Insert the records of the document; the EntityKeys of the root records, in order."""
    return envelope.key_list([_insert(call, record, parent=None) for record in _records(call)])


def delete(call: Call) -> str:
    """Delete the records of an EntityKeyList, with what is nested in them."""
    for number, key in enumerate(envelope.keys_in(call.request), 1):
        call.tally["rows_deleted"] += call.store.delete(call.resolve(key, number).rec_id)
    return ""


def update(call: Call) -> str:
    """Update the records of the document.

    A record with action="update" keeps what the message does not mention. One with action="replace", or without any
    action, loses it: absent fields are cleared, absent nested records deleted.
    """
    keys, records = envelope.keys_in(call.request), _records(call)
    if len(keys) != len(records):
        raise refused("The parameter index is not valid.")
    for number, (key, record) in enumerate(zip(keys, records, strict=True), 1):
        row = call.resolve(key, number, xpath=record.xpath)
        if record.action not in (None, "update", "replace"):
            raise _error(record, f"The action '{record.action}' is not valid for the root record of an update.")
        _check_root(call, record, row)
        _apply(call, record, row, parent=None, checked=record.document_hash is not None)
    return ""


def _records(call: Call) -> list[Incoming]:
    document = envelope.document_in(call.request, call.service.document)
    if document is None:
        raise refused("The document is missing in the message.")
    return envelope.records(document, call.service.document.tables, f"/{call.service.document.name}")


def _insert(call: Call, record: Incoming, *, parent: _Parent | None) -> Key:
    table = record.table
    body = {name: _stored(table, name, value) for name, value in record.values.items() if value is not None}
    body = _dated(call, table) | _inherited(table, parent) | body | dict(record.beside)
    index = index_of(table, body, parent=parent.rec_id if parent else 0)
    complaints = [*_complaints(call, record, body, tuple(table.fields)), *_exists(call, record, body, index)]
    if complaints:
        raise AifError(*complaints)
    rec_id = call.store.insert(table.name, company=call.company, parent=parent.rec_id if parent else 0, index=index, body=body)
    call.tally["rows_created"] += 1
    for child in record.children:
        _insert(call, child, parent=_Parent(rec_id=rec_id, table=table, body=body))
    return entity_key(table, rec_id, body)


def _dated(call: Call, table: Table) -> dict[str, str]:
    """From when to when a new record of a date-effective table holds, where nobody says: from now on, without end."""
    if not {"ValidFrom", "ValidTo"} <= table.fields.keys():
        return {}
    document = envelope.document_in(call.request, call.service.document)
    as_of = None if document is None else document.findtext(f"{{{call.service.document.namespace}}}ValidAsOfDateTime")
    moments = (as_of or datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z", _NEVER)
    cut = slice(10) if table.fields["ValidFrom"].kind is Kind.DATE else slice(None)
    return dict(zip(("ValidFrom", "ValidTo"), (moment[cut] for moment in moments), strict=True))


def _stored(table: Table, name: str, value: str) -> str:
    return values.stored(table.fields[name], value)


def _inherited(table: Table, parent: _Parent | None) -> dict[str, str]:
    """Fields of a nested record that carry the parent's key."""
    if parent is None:
        return {}
    return {name: parent.body[name] for name in parent.table.rules.key if name in table.fields and name in parent.body}


def _complaints(call: Call, record: Incoming, body: Mapping[str, str], names: tuple[str, ...]) -> Iterator[Complaint]:
    """What the table's own checks say of some of its fields."""
    table = record.table
    for name in names:
        if table.fields[name].mandatory and not body.get(name):
            yield Complaint(message=f"Field '{name}' must be filled in.", xpath=record.xpath, field=name)
        reference, value = table.rules.references.get(name), body.get(name)
        if reference and value and call.refers_to_nothing(reference, value):
            message = f"The value '{value}' in field '{name}' is not found in the related table '{reference.table}'."
            yield Complaint(message=message, xpath=record.xpath, field=name)


def _exists(call: Call, record: Incoming, body: Mapping[str, str], index: Index) -> Iterator[Complaint]:
    table = record.table
    if index.unique_key is None or not call.store.by_key(table.name, company=call.company, unique_key=index.unique_key):
        return
    shown = ", ".join(f"{name}: {body.get(name, '')}" for name in table.rules.key)
    message = f"Cannot create a record in {table.name} ({table.rules.label}). {shown}. The record already exists."
    yield Complaint(message=message, xpath=record.xpath, field=table.rules.key[0])


def _error(record: Incoming, message: str) -> AifError:
    return AifError(Complaint(message=message, xpath=record.xpath))


def _check_root(call: Call, record: Incoming, row: Row) -> None:
    if record.document_hash is None:
        if not (record.rec_id and record.rec_version):
            raise _error(record, "The document hash or the record ID and record version are required to update a record.")
    elif record.document_hash != document_hash(call, record.table, row):
        raise _error(record, "The document has changed since it was read.")
    _check_version(record, row)


def _check_version(record: Incoming, row: Row) -> None:
    """RecId and RecVersion, where the message has them."""
    if record.rec_id and record.rec_version and (int(record.rec_id), int(record.rec_version)) != (row.rec_id, row.version):
        label = f"{record.table.name} ({record.table.rules.label})"
        raise _error(record, f"Cannot edit a record in {label}. RecId: {row.rec_id}. {_CONFLICT}")


def _apply(call: Call, record: Incoming, row: Row, *, parent: _Parent | None, checked: bool) -> None:
    """Carry an update of one record out. `checked`: the document's hash has vouched for what is nested, too."""
    whole = record.action != "update"
    table = record.table
    if record.beside.get(TYPE, "") != row.body.get(TYPE, ""):
        raise _error(record, f"The type of a record in {table.name} ({table.rules.label}) cannot be changed.")
    kept = {name: text for name, text in row.body.items() if not whole or name in (*table.rules.key, TYPE)}
    body = _inherited(table, parent) | kept
    for name, value in record.values.items():
        if value is not None:
            body[name] = _stored(table, name, value)
        elif not _is_reference(table, name) or _clears_nil(call):
            body.pop(name, None)
    body = {name: text for name, text in body.items() if name.partition(".")[0] not in record.values or "." not in name}
    body |= record.beside
    names = tuple(table.fields) if whole else tuple(record.values)
    index = index_of(table, body, parent=row.parent)
    moved = index != index_of(table, row.body, parent=row.parent)
    complaints = [*_complaints(call, record, body, names), *(_exists(call, record, body, index) if moved else ())]
    if complaints:
        raise AifError(*complaints)
    call.store.replace(row, index=index, body=body)
    call.tally["rows_updated"] += 1
    _apply_children(call, record, _Parent(rec_id=row.rec_id, table=table, body=body), whole=whole, checked=checked)


def _is_reference(table: Table, name: str) -> bool:
    """Whether null goes for nothing in a field, unless the document says otherwise: dimensions are references, too."""
    return name in table.rules.references or table.fields[name].kind is Kind.COMPLEX


def _clears_nil(call: Call) -> bool:
    """Whether the document says that null clears references, too."""
    document = envelope.document_in(call.request, call.service.document)
    namespace = call.service.document.namespace
    return document is not None and document.findtext(f"{{{namespace}}}ClearNilFieldsOnUpdate") == "true"


def _apply_children(call: Call, record: Incoming, parent: _Parent, *, whole: bool, checked: bool) -> None:
    before = {row.rec_id for table in record.table.children.values() for row in call.store.children(parent.rec_id, table.name)}
    for child in record.children:
        row = _match(call, child, parent)
        if row is not None:
            before.discard(row.rec_id)
        _apply_child(call, child, row, parent=parent, checked=checked)
    for rec_id in before if whole else ():
        call.tally["rows_deleted"] += call.store.delete(rec_id)


def _apply_child(call: Call, child: Incoming, row: Row | None, *, parent: _Parent, checked: bool) -> None:
    if child.action == "create" or (row is None and child.action in (None, "replace")):
        _insert(call, child, parent=parent)
        return
    if row is None:
        raise _error(child, f"The record in {child.table.name} ({child.table.rules.label}) was not found.")
    if not checked and not (child.rec_id and child.rec_version):
        raise _error(child, "The record ID and record version are required to update a record.")
    _check_version(child, row)
    if child.action == "delete":
        call.tally["rows_deleted"] += call.store.delete(row.rec_id)
    else:
        _apply(call, child, row, parent=parent, checked=checked)


def _match(call: Call, child: Incoming, parent: _Parent) -> Row | None:
    """The existing record that a nested one of the message means: by RecId, else by its key within the parent."""
    if child.rec_id:
        row = call.store.by_rec_id(child.table.name, company=call.company, rec_id=int(child.rec_id))
        return row if row is not None and row.parent == parent.rec_id else None
    body = _inherited(child.table, parent) | {name: value or "" for name, value in child.values.items()}
    unique = index_of(child.table, body, parent=parent.rec_id).unique_key
    return None if unique is None else call.store.by_key(child.table.name, company=call.company, unique_key=unique)
