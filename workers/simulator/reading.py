"""The operations that only look: read, find, findKeys, getKeys, getChangedKeys."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from workers.simulator import criteria, envelope, values
from workers.simulator import namespaces as ns
from workers.simulator.calls import Call, entity_key
from workers.simulator.faults import refused
from workers.simulator.model import TYPE, Kind, Table
from workers.simulator.store import Row


def read(call: Call) -> str:
    """The records of an EntityKeyList, in its order; a key without a record is a fault."""
    rows = [call.resolve(key, number) for number, key in enumerate(envelope.keys_in(call.request), 1)]
    return _document(call, rows)


def find(call: Call) -> str:
    """The records that meet the criteria."""
    return _document(call, criteria.select(call))


def find_keys(call: Call) -> str:
    """The keys of the records that meet the criteria."""
    return _keys(call, criteria.select(call))


def get_keys(call: Call) -> str:
    """A page of keys, in the order of creation."""
    return _page(call, since=0.0)


def get_changed_keys(call: Call) -> str:
    """A page of keys of records that changed at or after a moment."""
    moment = call.request.findtext(f"{{{call.service.namespace}}}_changedDateTime")
    try:
        since = datetime.fromisoformat(moment) if moment else datetime.fromtimestamp(0, UTC)
    except ValueError as error:
        raise refused(f"'{moment}' is not a date and time.") from error
    return _page(call, since=(since if since.tzinfo else since.replace(tzinfo=UTC)).timestamp())


def _page(call: Call, *, since: float) -> str:
    paging = f"{{{ns.DOCUMENT_PAGING}}}DocumentPaging/{{{ns.DOCUMENT_PAGING}}}"
    size = int(call.request.findtext(f"{paging}PageSize") or 0)
    bookmark = call.request.findtext(f"{paging}Bookmark") or "0"
    if size < 1 or not bookmark.isdecimal():
        raise refused("The document paging needs a page size above 0, and a bookmark of this service or none.")
    table = call.service.root
    rows = call.store.page(table.name, company=call.company, after=int(bookmark), since=since, size=size + 1)
    more = ""
    if len(rows) > size:
        more = f"<Bookmark>{rows[size - 1].rec_id}</Bookmark><PageSize>{size}</PageSize>"
        more = f'<DocumentPaging xmlns="{ns.DOCUMENT_PAGING}">{more}</DocumentPaging>'
    return (
        f'<EntityKeyPage xmlns="{ns.ENTITY_KEY_PAGE}">{_keys(call, rows[:size])}{more}'
        "<PageStatus>Success</PageStatus><PageStatusDetails>None</PageStatusDetails></EntityKeyPage>"
    )


def _keys(call: Call, rows: Iterable[Row]) -> str:
    return envelope.key_list(entity_key(call.service.root, row.rec_id, row.body) for row in rows)


def _document(call: Call, rows: Iterable[Row]) -> str:
    document = call.service.document
    content = "".join(_record(call, call.service.root, row) for row in rows)
    return f"<{document.name} xmlns={quoteattr(document.namespace)}>{content}</{document.name}>"


def _record(call: Call, base: Table, row: Row) -> str:
    table = base.of(row.body)
    kind = f' xmlns:xsi="{ns.XSI}" xsi:type="{row.body[TYPE]}"' if TYPE in row.body else ""
    parts = "".join(_particle(call, table, row, name) for name in table.order)
    return f'<{table.name}{kind} class="entity">{parts}</{table.name}>'


def _particle(call: Call, table: Table, row: Row, name: str) -> str:
    if name in table.children:
        child = table.children[name]
        return "".join(_record(call, child, nested) for nested in call.store.children(row.rec_id, name))
    if name == "_DocumentHash":
        return f"<{name}>{document_hash(call, table, row)}</{name}>"
    if name in ("RecId", "RecVersion"):
        return f"<{name}>{row.rec_id if name == 'RecId' else row.version}</{name}>"
    field, value = table.fields[name], row.body.get(name)
    if values.is_empty(field, value) and not (field.mandatory and value is not None):
        return ""
    content = value or ""
    beside = ((key.partition(".")[2], text) for key, text in row.body.items() if key.startswith(f"{name}."))
    attributes = "".join(f" {attribute}={quoteattr(text)}" for attribute, text in beside)
    return f"<{name}{attributes}>{content if field.kind is Kind.COMPLEX else envelope.text(content)}</{name}>"


def document_hash(call: Call, table: Table, row: Row) -> str:
    """32 hexadecimal digits that change with the record and with everything nested in it."""
    digest = hashlib.md5(usedforsecurity=False)
    for part in _digest_parts(call, table, row):
        digest.update(part.encode())
    return digest.hexdigest()


def _digest_parts(call: Call, table: Table, row: Row) -> Iterator[str]:
    yield f"{row.rec_id} {row.version} {json.dumps(row.body, sort_keys=True)}"
    for child, nested in call.nested(row, table):
        yield from _digest_parts(call, child, nested)
