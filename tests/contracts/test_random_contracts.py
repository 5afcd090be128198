"""Contracts made at random: whatever the mix of types, names, nesting and order, three readers agree and documents suit."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.contracts import drawing, xsd
from tests.contracts.canonical import expected, infoset
from tests.contracts.cases import of
from tests.contracts.invented import Invented, document, nested, record, text
from tests.contracts.serving import ADDRESS, key_fields, layout_of, opened, row_of, zipped
from tests.contracts.xsd import Record
from workers import aos
from workers.documents import Writer
from workers.simulator import contract
from workers.simulator.model import SYSTEM_FIELDS
from workers.simulator.model import Table as Pretended

#: A simple type of random facets: its name in the shared types is given later.
_TEXTS = st.integers(1, 60).map(lambda most: f'<xs:restriction base="xs:string"><xs:maxLength value="{most}"/></xs:restriction>')
_SYMBOLS = st.lists(st.sampled_from("ABCDEFGH"), min_size=1, unique=True).map(
    lambda symbols: (
        '<xs:restriction base="xs:string">'
        + "".join(f'<xs:enumeration value="{symbol}"/>' for symbol in symbols)
        + "</xs:restriction>"
    )
)
_RANGES = st.tuples(st.integers(-99, 0), st.integers(1, 99), st.sampled_from(["int", "long", "short", "decimal"])).map(
    lambda told: (
        f'<xs:restriction base="xs:{told[2]}"><xs:minInclusive value="{told[0]}"/><xs:maxInclusive value="{told[1]}"/>'
        "</xs:restriction>"
    )
)
_PLACES = st.integers(0, 6).map(
    lambda places: f'<xs:restriction base="xs:decimal"><xs:fractionDigits value="{places}"/></xs:restriction>'
)
_BASES = st.sampled_from(["date", "dateTime", "time", "boolean", "base64Binary", "long"]).map(
    lambda base: f'<xs:restriction base="xs:{base}"/>'
)
_KINDS = st.one_of(_TEXTS, _SYMBOLS, _RANGES, _PLACES, _BASES)
_NAMES = st.from_regex(r"[A-Za-zÄéß_][A-Za-z0-9Äéß_.\-]{0,11}", fullmatch=True).filter(lambda name: name not in SYSTEM_FIELDS)


@st.composite
def contracts(draw: st.DrawFn) -> Invented:
    """One document, up to four levels deep, its elements in any order."""
    kinds = {f"T{number}": kind for number, kind in enumerate(draw(st.lists(_KINDS, min_size=1, max_size=6)))}
    tables = draw(st.lists(_NAMES.map(lambda name: name.replace(".", "_")), min_size=1, max_size=4, unique_by=str.casefold))
    parents = {table: draw(st.sampled_from(tables[:place])) for place, table in enumerate(tables) if place}
    schema = document("Odd", tables[0])
    taken = {"key", *(name.casefold() for name in tables)}
    for table in tables:
        names = draw(st.lists(_NAMES.filter(lambda name: name.casefold() not in taken), max_size=5, unique_by=str.casefold))
        held = [text(name, f"st:{draw(st.sampled_from(list(kinds)))}", least=draw(st.integers(0, 1))) for name in names]
        held += [text("Key", "st:Id20", least=1), *(nested(child) for child, parent in parents.items() if parent == table)]
        schema += record(table, "".join(draw(st.permutations(held))))
    types = "".join(f'<xs:simpleType name="{name}">{kind}</xs:simpleType>' for name, kind in kinds.items())
    return of(schema, types=types)


def shape(one: Record) -> object:
    """What is nested where, and what the fields are called."""
    return one.name, sorted(part.name for part in one.fields), [shape(below) for below in one.below]


def pretended(table: Pretended) -> object:
    """The same as the pretend AOS reads it."""
    return table.name, sorted(table.fields), [pretended(child) for child in table.children.values()]


def written(one: object) -> object:
    """The same as the worker reads it."""
    names = sorted(field.name for field in one.fields if field.name not in SYSTEM_FIELDS)
    return one.name, names, [written(child) for child in one.children]


@given(invented=contracts(), data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
def test_whatever_the_contract_readers_agree_and_documents_suit(invented: Invented, data: st.DataObject) -> None:
    first, files = invented.services[0], invented.files()
    (root,) = xsd.read(files).roots(f"{{{first.document_namespace}}}{first.document}")
    read = opened(aos.Door(), ADDRESS, contract_zip=zipped(files))
    (table,) = read.service.document.tables
    (service,) = {one.name: one for one in contract.from_files(files, {}, source="it").services.values()}.values()
    assert written(table) == shape(root) == pretended(service.root)
    keys = key_fields(root)
    layout = layout_of(read, root, keys=keys)
    rows = data.draw(st.lists(drawing.records(root, keys=keys), min_size=1, max_size=3))
    writer = Writer(read.service, layout)
    made = writer.written([row_of(one, layout) for one in rows])
    body = writer.create(made.records)
    assert read.port.invalid(body.document) == []
    with tempfile.TemporaryDirectory() as folder:
        schema = etree.XMLSchema(file=str(invented.write(Path(folder)) / "document0.xsd"))
    found = etree.fromstring(body.document)
    assert schema.validate(found), schema.error_log
    assert [infoset(one) for one in found] == [expected(one, root, first.document_namespace) for one in rows]
