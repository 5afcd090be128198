"""What is taken for proved, the schema takes: never the other way round."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from connector.wire.metadata import FieldType, Table
from tests.load.proofs import BEYOND, CELL, NASTY, TOLD, Port, elements, fitting, good, known, layout, rows, writable
from workers import documents
from workers.load.proof import Proof

WITHIN = Port(elements(TOLD))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_proved_the_schema_takes(data):
    (table,) = WITHIN.document.tables
    left = writable(WITHIN, data.draw(st.lists(rows(table), min_size=1, max_size=4)), layout(table))
    proved, valid = known(WITHIN, left, layout(table))
    assert valid or not proved


@pytest.mark.parametrize("name", TOLD)
@given(cells=st.data())
@settings(max_examples=60, deadline=None)
def test_each_cell_that_is_proved_the_schema_takes(name, cells):
    (table,) = WITHIN.document.tables
    single = Layout(step=1, entity="e", file="f", table="Head", columns=(Column(name=name, field=name),))
    given_rows = [Row(1, [cell]) for cell in cells.draw(st.lists(CELL | fitting(table.field(name)), min_size=1, max_size=2))]
    proved, valid = known(WITHIN, writable(WITHIN, given_rows, single), single)
    assert valid or not proved


@pytest.mark.parametrize("name", TOLD)
def test_no_nasty_cell_is_proved_that_the_schema_refuses(name):
    single = Layout(step=1, entity="e", file="f", table="Head", columns=(Column(name=name, field=name),))
    for cell in NASTY:
        proved, valid = known(WITHIN, writable(WITHIN, [Row(1, [cell])], single), single)
        assert valid or not proved, cell


def test_good_rows_are_proved_and_the_schema_is_asked_once_for_each_structure():
    port = Port(elements(TOLD))
    (table,) = port.document.tables
    full = [good(field) for field in table.fields]
    line = Row(2, [good(field) for field in table.children[0].fields])
    batches = [
        [Row(1, full, [[line]])] * 3,
        [Row(1, full, [[line]])] * 2,
        [Row(1, full, [[line, line]])],
        [Row(1, full, [[line] * 9])],
        [Row(1, ["", *full[1:]], [[line]]), Row(1, full, [[]])],
        [Row(1, full, [[line, line]]), Row(1, ["", *full[1:]], [[line]])],
    ]
    asked = []
    for batch in batches:
        writer = documents.Writer(port.service, layout(table))
        proof = Proof(port, writer)
        proof.add(writer.written(batch))
        assert proof.holds()
        asked.append(port.asked)
    assert asked == [1, 1, 2, 2, 3, 4]


@pytest.mark.parametrize("name", BEYOND)
def test_a_type_that_asks_more_than_is_known_of_it_is_left_to_the_schema(name):
    port = Port(elements(BEYOND))
    field = port.document.tables[0].field(name)
    assert not field.checked
    single = Layout(step=1, entity="e", file="f", table="Head", columns=(Column(name=name, field=name),))
    cell = {FieldType.DATE: "2011-01-31", FieldType.BASE64: "AAAA"}.get(field.type, "1")
    assert known(port, [Row(1, [cell])], single)[0] is False


def test_a_mandatory_field_that_is_missing_is_left_to_the_schema_each_time():
    port = Port(elements({"A": "xs:string"}) + '<xs:element name="B" type="xs:string"/>')
    (table,) = port.document.tables
    for _ in range(2):
        assert known(port, [Row(1, ["a", ""])], layout(table)) == (False, False)
        assert known(port, [Row(1, ["a", "b"])], layout(table)) == (True, True)
        assert known(port, [Row(1, ["a", "b"]), Row(1, ["a", ""])], layout(table)) == (False, False)


def test_rows_of_which_ever_other_cells_are_filled_are_of_one_structure():
    port = Port(elements(dict.fromkeys("ABCDE", "xs:string")))
    (table,) = port.document.tables
    sparse = [Row(n, [cell if n >> place & 1 else "" for place, cell in enumerate("abcde")], [[]]) for n in range(32)]
    assert known(port, sparse, layout(table)) == (True, True)
    first_asked = port.asked
    assert known(port, sparse[::-1], layout(table)) == (True, True)
    assert known(port, [Row(1, row.cells[:n], [[]]) for n, row in enumerate(sparse)], layout(table)) == (True, True)
    assert port.asked == first_asked + 2  # only where it was asked for comparison


def test_where_elements_depend_on_each_other_missing_cells_are_left_to_the_schema():
    choice = '<xs:choice minOccurs="0"><xs:element name="Z" type="xs:string"/></xs:choice>'
    port = Port(elements({"A": "xs:string", "B": "xs:string"}) + choice)
    (table,) = port.document.tables
    assert known(port, [Row(1, ["a", "b"], [[]]), Row(1, ["a", "b"], [[]])], layout(table)) == (True, True)
    assert known(port, [Row(1, ["a", "b"], [[]]), Row(1, ["a", ""], [[]])], layout(table)) == (False, True)


@pytest.mark.parametrize("bounds", [' maxOccurs="2"', ' minOccurs="0"'])
def test_a_sequence_that_may_be_missing_or_repeat_makes_no_plain_record(bounds):
    port = Port(elements({"A": "xs:string", "B": "xs:string"}), bounds=bounds)
    (table,) = port.document.tables
    assert known(port, [Row(1, ["a", "b"], [[]]), Row(1, ["a", ""], [[]])], layout(table)) == (False, True)


def test_an_element_that_the_schema_wants_otherwise_is_found_wherever_it_is_filled():
    port = Port(elements({"A": "xs:string", "B": "t:Zoned"}))
    (table,) = port.document.tables
    missing, filled = Row(1, ["a", ""], [[]]), Row(1, ["a", "b"], [[]])
    assert known(port, [missing, missing], layout(table)) == (True, True)
    for batch in ([filled], [missing, filled], [filled, missing]):
        assert known(port, batch, layout(table)) == (False, False)


def test_a_nested_record_is_judged_wherever_it_stands():
    mandatory = '<xs:element name="B" type="xs:string"/>'
    port = Port(elements({"A": "xs:string", "C": "xs:string"}), line=elements({"A": "xs:string"}) + mandatory)
    (table,) = port.document.tables
    good_line, bad_line = Row(2, ["a", "b"]), Row(3, ["a", ""])
    usual, sparse = Row(1, ["a", "c"], [[good_line, good_line]]), Row(1, ["a", ""], [[good_line, good_line]])
    assert known(port, [usual, sparse, usual], layout(table)) == (True, True)
    for lines in ([bad_line, good_line], [good_line, bad_line]):
        for bad in (Row(1, ["a", "c"], [lines]), Row(1, ["a", ""], [lines])):
            for batch in ([bad], [usual, bad], [usual, sparse, usual, bad], [bad, sparse]):
                assert known(port, batch, layout(table)) == (False, False)


def test_a_limit_on_nested_records_is_left_to_the_schema():
    port = Port(elements({"A": "xs:string"}), most="2")
    (table,) = port.document.tables
    line = Row(2, ["b"])
    expected = {0: True, 1: True, 2: True, 3: False}
    assert {n: known(port, [Row(1, ["a"], [[line] * n])], layout(table)) for n in expected} == {
        n: (valid, valid) for n, valid in expected.items()
    }


def test_values_that_must_be_unique_are_left_to_the_schema():
    unique = '<xs:unique name="u"><xs:selector xpath="t:Head"/><xs:field xpath="t:A"/></xs:unique>'
    port = Port(elements({"A": "xs:string"}), beyond=unique)
    (table,) = port.document.tables
    assert known(port, [Row(1, ["a"]), Row(2, ["b"])], layout(table)) == (False, True)
    assert known(port, [Row(1, ["a"]), Row(2, ["a"])], layout(table)) == (False, False)


def test_a_constant_is_part_of_the_structure():
    port = Port(elements({"A": "t:Short", "B": "xs:string"}))
    table = Table.model_validate(port.document.tables[0].model_dump() | {"children": ()})
    for constant, valid in (("ab", True), ("abc", False)):
        # The field's own facets would refuse it before: here only the schema knows them.
        loose = [field.model_copy(update={"max_length": None}) for field in table.fields]
        known_table = table.model_copy(update={"fields": tuple(loose)})
        port.service = port.service.model_copy(update={"document": port.document.model_copy(update={"tables": (known_table,)})})
        columns = (Column(name="B", field="B"),)
        fixed = Layout(step=1, entity="e", file="f", table="Head", columns=columns, constants={"A": constant})
        assert known(port, [Row(1, ["b"])], fixed) == (valid, valid)


def test_a_text_that_is_too_long_for_the_schemas_parser_is_not_taken_for_good():
    port = Port(elements({"A": "xs:string"}))
    (table,) = port.document.tables
    assert known(port, [Row(1, ["x" * 10_100_000])], layout(table)) == (False, False)
