"""Contracts that nobody has seen: each is read right, its documents are right, and rows go through it and back."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import zeep
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire.metadata import SYSTEM_FIELDS, Table
from tests.contracts import drawing, xsd
from tests.contracts.canonical import as_zeep, by_zeep, expected, infoset
from tests.contracts.cases import ANOTHER_CASE, LOADED
from tests.contracts.drawing import meanings
from tests.contracts.serving import ADDRESS, Served, opened, row_of, served, zipped
from tests.contracts.xsd import Record
from workers import aos
from workers.documents import Writer

#: What zeep cannot write: a field `self` (it passes fields on as arguments of its own methods), a field of an attribute's
#: name, a union in a union.
BEYOND_ZEEP = {"words of Python", "names that are ours", "unions of unions"}
SOME = settings(
    max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Case:
    """An invented contract that is served."""

    name: str
    ax: Served
    record: Record
    client: zeep.Client
    schema: etree.XMLSchema


@pytest.fixture(scope="module", params=LOADED)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    invented = LOADED[request.param]
    folder = invented.write(tmp_path_factory.mktemp("contract"))
    first = invented.services[0]
    (record,) = xsd.read(invented.files()).roots(f"{{{first.document_namespace}}}{first.document}")
    with served(folder, record, service=first.name, structures=True) as ax:
        client = zeep.Client(str(folder / "root.wsdl"))
        yield Case(
            name=request.param, ax=ax, record=record, client=client, schema=etree.XMLSchema(file=str(folder / "document0.xsd"))
        )


def described(record: Record) -> object:
    """A record as its schema says it: what stands where, what must, what may be null, and what is nested."""
    fields = [(part.name, part.least > 0, part.nillable) for part in record.parts if part.record is None]
    return record.name, [part.name for part in record.parts], fields, [described(below) for below in record.below]


def told(table: Table) -> object:
    """The same as the metadata tells it."""
    fields = [(field.name, field.mandatory, field.nillable) for field in table.fields]
    return table.name, list(table.order), fields, [told(child) for child in table.children]


def test_the_contract_is_read_as_it_is_meant(case: Case) -> None:
    document = case.ax.read.service.document
    assert document is not None
    (table,) = document.tables
    assert told(table) == described(case.record)
    for part in case.record.fields:
        field = table.field(part.name)
        assert field is not None
        assert part.text is not None
        assert field.symbols == part.text.symbols
        if most := part.text.facets.get("length", part.text.facets.get("maxLength")):
            assert field.max_length == int(most)
        for bound, known in (("minInclusive", field.minimum), ("maxInclusive", field.maximum)):
            if bound in part.text.facets:
                assert known == part.text.facets[bound]
    assert {"RecId", "RecVersion"} <= {*SYSTEM_FIELDS} & {field.name for field in table.fields}


@given(data=st.data())
@SOME
def test_documents_suit_the_schema_and_are_what_zeep_writes(case: Case, data: st.DataObject) -> None:
    keys = dict(case.ax.keys)
    most = 1 if case.name == "one record to a document" else 3
    rows = data.draw(st.lists(drawing.records(case.record, keys=keys, structures=True), min_size=1, max_size=most))
    drawing.numbered(rows, keys=keys, start="K")
    read, layout = case.ax.read, case.ax.layout
    writer = Writer(read.service, layout)
    body = writer.create(writer.written([row_of(one, layout) for one in rows]).records)
    assert read.port.invalid(body.document) == []
    assert case.schema.validate(etree.fromstring(body.document)), case.schema.error_log
    document = read.service.document
    assert document is not None
    found = etree.fromstring(body.document)
    assert [infoset(one) for one in found] == [expected(one, case.record, document.namespace) for one in rows]
    if case.name in BEYOND_ZEEP:
        return
    records = [as_zeep(one, case.record, layout) for one in rows]
    values = {case.record.name: records if most > 1 else records[0]}
    theirs = by_zeep(case.client, read.service, "create", **{document.name: values})
    assert infoset(etree.fromstring(body.request)) == infoset(theirs)


@given(data=st.data())
@SOME
def test_rows_go_in_and_come_back(case: Case, data: st.DataObject) -> None:
    ax, keys = case.ax, dict(case.ax.keys)
    ax.reset()
    rows = data.draw(st.lists(drawing.records(case.record, keys=keys, structures=True), min_size=1, max_size=3))
    drawing.numbered(rows, keys=keys, start="K")
    outcomes = ax.load(rows).outcomes
    assert set(outcomes.letters) == {"c"}, outcomes.problems
    key = keys[case.record.name]
    assert {name: meanings(case.record, values) for name, values in ax.held(case.record.name).items()} == {
        one.values[key]: meanings(case.record, one.values) for one in rows
    }
    again = ax.load(rows).outcomes
    assert set(again.letters) == {"="}, again.problems
    if "update" not in ax.read.service.operations:
        return
    changed = data.draw(st.lists(drawing.records(case.record, keys=keys, structures=True), min_size=1, max_size=3))
    drawing.numbered(changed, keys=keys, start="K")
    updated = ax.load(changed).outcomes
    assert set(updated.letters) <= set("=uc"), updated.problems
    assert set(ax.load(changed).outcomes.letters) == {"="}


def test_operations_are_known_in_whatever_case_the_port_offers_them() -> None:
    service = opened(aos.Door(), ADDRESS, contract_zip=zipped(ANOTHER_CASE.files())).service
    assert service.operations == ("create", "find", "findKeys", "read", "update")
    assert service.calls == ()


def test_a_union_takes_the_longest_text_of_all_its_members_those_without_a_name_as_well() -> None:
    document = opened(aos.Door(), ADDRESS, contract_zip=zipped(LOADED["unions of unions"].files())).service.document
    assert document is not None
    lengths = {field.name: field.max_length for field in document.tables[0].fields}
    assert (lengths["Deep"], lengths["Short"], lengths["Mixed"]) == (30, 20, None)
