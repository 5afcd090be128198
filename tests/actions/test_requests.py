"""Requests of operations: what zeep writes of the same values, and what the port's own schema takes."""

from datetime import date, datetime
from typing import Any

import pytest
import zeep
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Blank, Column, Layout, Target
from connector.wire.metadata import Field as Known
from connector.wire.metadata import FieldType, Metadata, Parameter
from tests.actions.conftest import ADDRESS, CONTRACT, layout, packed, parameters_of
from tests.contracts.canonical import by_zeep, infoset
from workers import aos
from workers.documents.parameters import Entries
from workers.documents.requests import Requests
from workers.errors import GiveUp

NS = "http://tempuri.org"
PLENTY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"), exclude_characters=";\ufffe\uffff"
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def client() -> zeep.Client:
    return zeep.Client(str(CONTRACT / "RoutingService.wsdl"))


@pytest.fixture(scope="module")
def port(metadata: Metadata) -> aos.Port:
    (service,) = metadata.services
    target = Target(address=ADDRESS, port=service.port, service=service.name, contract=metadata.fingerprint)
    return aos.open_port(aos.Door(), target, company="USMF", language="en-us", partition=None, contract_zip=packed())


def requests_of(metadata: Metadata, operation: str, laid: Layout, entries: Entries | None = None) -> Requests:
    element = f"JournalService{operation[0].upper()}{operation[1:]}Request"
    return Requests(parameters_of(metadata, operation), laid, element=element, namespace=NS, entries=entries)


def text_of(known: Known) -> st.SearchStrategy[str]:
    if known.symbols:
        return st.sampled_from(known.symbols)
    strategies = {
        FieldType.INTEGER: st.integers(-(2**31), 2**31 - 1).map(str),
        FieldType.DECIMAL: st.decimals(-10_000, 10_000, places=2).map(str),
        FieldType.DATE: st.dates(date(1900, 1, 1), date(2154, 12, 31)).map(str),
        FieldType.DATETIME: st.dates(date(1900, 1, 1), date(2154, 12, 30)).map(lambda day: f"{day}T13:30:59Z"),
        FieldType.BOOLEAN: st.sampled_from(["true", "false"]),
        FieldType.BASE64: st.sampled_from(["AAECAw==", "YQ=="]),
    }
    return strategies.get(known.type, TEXTS)


def as_python(known: Known, text: str) -> object:
    """A value as a program would hand it to zeep."""
    if known.type is FieldType.BOOLEAN:
        return text == "true"
    if known.type is FieldType.BASE64:
        import base64

        return base64.b64decode(text)
    if known.type is FieldType.DATETIME:
        return datetime.fromisoformat(text)
    return text


@st.composite
def drawn(draw: st.DrawFn, parameters: tuple[Parameter, ...], prefix: str = "") -> tuple[dict[str, str], list, dict[str, Any]]:
    """Cells by path, nested layouts with their rows, and the same as zeep takes it. Some are left out."""
    cells: dict[str, str] = {}
    lists: list[tuple[str, list[Any]]] = []
    values: dict[str, Any] = {}
    for parameter in parameters:
        path, entry = f"{prefix}{parameter.name}", parameter.item
        if not parameter.mandatory and draw(st.booleans()):
            continue
        if entry is not None and entry.parts:
            rows = draw(st.lists(drawn(entry.parts), min_size=1, max_size=2))
            lists.append((path, rows))
            values[parameter.name] = {entry.name: [row[2] for row in rows]}
        elif entry is not None:
            texts = draw(st.lists(TEXTS, min_size=1, max_size=3))
            cells[path] = "; ".join(texts)
            values[parameter.name] = texts if parameter.repeats else {entry.name: texts}
        elif parameter.field is not None and parameter.field.type is not FieldType.COMPLEX:
            cells[path] = draw(text_of(parameter.field))
            values[parameter.name] = as_python(parameter.field, cells[path])
        elif parameter.parts:
            inner, below, given_ = draw(drawn(parameter.parts, f"{path}."))
            if inner or below:
                cells |= inner
                lists += below
                values[parameter.name] = given_
    return cells, lists, values


def laid_of(rows: list[Any], name: str) -> tuple[Layout, list[Row]]:
    """One layout for several drawn rows, whichever cells each of them has."""
    paths = list(dict.fromkeys(path for cells, _, _ in rows for path in cells))
    tables = list(dict.fromkeys(path for _, lists, _ in rows for path, _ in lists))
    below = {
        table: laid_of([each for _, lists, _ in rows for path, found in lists if path == table for each in found], table)
        for table in tables
    }
    columns = tuple(Column(name=path, field=path) for path in paths)
    laid = Layout(step=1, entity=name, file="f", table=name, columns=columns, children=tuple(below[table][0] for table in tables))
    taken = {table: iter(below[table][1]) for table in tables}
    made = []
    for number, (cells, lists, _) in enumerate(rows, 2):
        held = dict(lists)
        children = [[next(taken[table]) for _ in held.get(table, ())] for table in tables]
        made.append(Row(number, [cells.get(path) for path in paths], children))
    return laid, made


@pytest.mark.parametrize("operation", ["postJournal", "setLimit", "addNote", "tagCustomer", "deleteJournal", "attachFile"])
@given(data=st.data())
@PLENTY
def test_a_request_is_what_zeep_writes_and_the_schema_takes_it(
    metadata: Metadata, client: zeep.Client, port: aos.Port, operation: str, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(drawn(parameters_of(metadata, operation)), min_size=1, max_size=3))
    laid, made = laid_of(rows, operation)
    writer = requests_of(metadata, operation, laid)
    begun = {
        path.partition(".")[0] for path in [*(c.field for c in laid.columns), *(c.table for c in laid.children)] if "." in path
    }
    for row, (_, _, values) in zip(made, rows, strict=True):
        if not begun <= values.keys():
            continue  # a data contract that other rows fill is given here as well, without what it demands
        request = writer.request(row)
        assert writer.request(row) == request
        assert port.invalid_call(operation, request) == []
        wanted = by_zeep(client, metadata.services[0], operation, **values)
        assert infoset(etree.fromstring(request)) == infoset(wanted)


def test_null_empty_and_absent_are_kept_apart(metadata: Metadata) -> None:
    laid = layout("addNote", "_note", "_level")
    assert b'<_note xsi:nil="true"/>' in requests_of(metadata, "addNote", laid).request(Row(2, [None, "1"]))
    clearing = laid.model_copy(update={"blank": Blank.CLEAR})
    assert b"<_note></_note>" in requests_of(metadata, "addNote", clearing).request(Row(2, ["", "1"]))
    limits = layout("setLimit", "_custAccount", "_limit")
    assert requests_of(metadata, "setLimit", limits).request(Row(2, ["", None])).count(b"<_") == 0


def test_entries_that_are_texts_may_be_rows(metadata: Metadata) -> None:
    tags = layout("_contract.Tags", "string", step=2)
    laid = layout("postJournal", "_contract.Total", children=[tags])
    request = requests_of(metadata, "postJournal", laid).request(Row(2, ["1"], [[Row(2, ["a"]), Row(3, ["b & c"])]]))
    texts = [each.text for each in etree.fromstring(request).iter("{*}string")]
    assert texts == ["a", "b & c"]


def test_what_the_contract_lacks_is_told(metadata: Metadata) -> None:
    with pytest.raises(GiveUp, match=r"_contract\.Nothing"):
        requests_of(metadata, "postJournal", layout("postJournal", "_contract.Nothing"))
    with pytest.raises(GiveUp, match="constant"):
        requests_of(metadata, "setLimit", layout("setLimit", constants={"_limit": "much"}))
