"""What the pretend AOS holds, for tests: `/_sim/...`, as JSON. No real AOS has this."""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs

from lxml import etree

from workers.simulator.aos import Answer, Aos
from workers.simulator.model import Kind, Table
from workers.simulator.store import Row


def answer(aos: Aos, method: str, path: str, query: str) -> Answer:
    """Answer GET records, stats, tables and POST reset."""
    match method, path.removeprefix("/_sim/"):
        case "GET", "records":
            return _records(aos, {name: values[0] for name, values in parse_qs(query).items()})
        case "GET", "stats":
            return _json(200, _stats(aos))
        case "GET", "tables":
            return _json(200, {"tables": list(_tables(aos))})
        case "POST", "reset":
            aos.reset()
            return _json(200, {"reset": True})
    return _json(404, {"error": f"there is no {method} {path}"})


def _stats(aos: Aos) -> dict[str, object]:
    counts = aos.stats()
    named = ("calls", "rows_created", "rows_updated", "rows_deleted", "duplicates_refused", "faults")
    stats: dict[str, object] = {name: counts.get(name, 0) for name in named}
    for group, shown in (("calls", "operations"), ("injected", "injected"), ("invoked", "invoked")):
        stats[shown] = {name.removeprefix(f"{group}_"): n for name, n in counts.items() if name.startswith(f"{group}_")}
    return stats


def _tables(aos: Aos) -> Iterator[dict[str, object]]:
    for port in aos.ports.values():
        for service in {s.name: s for s in port.services.values()}.values():
            for table in (service.root, *service.root.nested.values()):
                fields = list(table.fields)
                entity = table.rules.entity
                yield {
                    "table": table.name,
                    "entity": entity,
                    "key": list(table.key),
                    "fields": fields,
                    "service": service.name,
                    "port": port.name,
                }


def _records(aos: Aos, query: dict[str, str]) -> Answer:
    company = aos.company(query.get("company"))
    wanted = query.get("table", "")
    table = aos.tables.get(wanted) or next((t for t in aos.tables.values() if wanted and t.rules.entity == wanted), None)
    if company is None or table is None:
        missing = f"company {query['company']!r}" if company is None else f"table {wanted!r}"
        return _json(404, {"error": f"there is no {missing}"})
    parent = next((other for other in aos.tables.values() if table.name in other.nested), None)
    with aos.store.transaction():
        rows = list(aos.store.scan(table.name, company=company))
        records = [_record(aos, table, parent, row) for row in rows]
    return _json(200, {"records": records})


def _record(aos: Aos, table: Table, parent: Table | None, row: Row) -> dict[str, object]:
    captions = table.rules.captions
    record: dict[str, object] = (
        {column: row.body.get(field, "") for field, column in captions.items()} if captions else _shown(table, row.body)
    )
    if parent is not None and not set(parent.key) <= set(table.fields):
        above = aos.store.by_rec_id(parent.name, company=row.company, rec_id=row.parent)
        if above is not None:
            record["_parent"] = {name: above.body.get(name, "") for name in parent.rules.key} or {"RecId": str(above.rec_id)}
    return record


def _shown(table: Table, body: Mapping[str, str]) -> dict[str, object]:
    """A body with its structures taken apart: `Field.Part`, a dimension by its name."""
    shown: dict[str, object] = {}
    for name, text in body.items():
        field = table.of(body).fields.get(name)
        if field is not None and field.kind is Kind.COMPLEX and text.startswith("<"):
            shown |= {f"{name}.{part}": value for part, value in _parts(text)}
        else:
            shown[name] = text
    return shown


def _parts(inside: str) -> Iterator[tuple[str, str]]:
    for part in etree.fromstring(f"<all>{inside}</all>"):
        if not len(part):
            yield etree.QName(part).localname, part.text or ""
        for item in part:
            named = {etree.QName(each).localname: each.text or "" for each in item}
            yield named.get("Name", ""), named.get("Value", "")


def _json(status: int, value: object) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status=status, body=body, content_type="application/json; charset=utf-8")
