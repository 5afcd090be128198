"""Lines travel in their headers."""

import pytest

from connector import plan
from connector.errors import PlanRefused
from connector.wire.codec import Row


@pytest.fixture
def orders(action):
    header = action("PurchTable", "Note,Purch id,OrderAccount", ["n", "P1", "V1"], ["n", "P2", "V2"])
    lines = action("Purch line", "Item id,Purch id,Qty", ["I1", "P1", "1"], ["I2", "P2", "2"])
    return header, lines


DROP = '[table.PurchTable]\nfields = { Note = "" }\n'


def test_a_nested_record_that_has_its_parents_key_travels_with_it(planned, orders, package) -> None:
    header, lines = planned(*orders, toml=DROP).steps
    assert (header.no, lines.no, lines.parent_step, lines.rank) == (1, 2, 1, header.rank)
    assert header.layout.children == (lines.layout,)
    assert (lines.layout.table, lines.layout.step) == ("PurchLine", 2)
    assert "nested in those of PurchTable (Purch id = Purch id)" in lines.match_reason
    assert lines.mode is header.mode


def test_the_link_finds_cells_that_do_not_travel(planned, orders, package) -> None:
    pack = package(*orders)
    header, lines = planned(*orders, toml=DROP).steps
    ((mine, theirs),) = lines.link
    parents, nested = list(plan.rows(pack, header)), list(plan.rows(pack, lines))
    assert [row.cells[theirs] for row in parents] == ["P1", "P2"]
    assert [row.cells[mine] for row in nested] == ["P1", "P2"]
    joined = Row(parents[0].number, parents[0].cells, [[nested[0]]])
    assert [column.field for column in lines.layout.columns] == ["ItemId", "Qty"]
    assert plan.trimmed(header.layout, joined) == Row(2, ["P1", "V1"], [[Row(2, ["I1", "1"], ())]])


def test_the_mapping_ties_columns_of_other_names(planned, action) -> None:
    header = action("PurchTable", "PurchId", ["P1"])
    lines = action("Lines", "Order,ItemId", ["P1", "I1"])
    toml = '[table.Lines]\ntarget = "PurchLine"\n'
    with pytest.raises(PlanRefused, match="have no column 'PurchId' to find them by"):
        planned(header, lines, toml=toml)
    steps = planned(header, lines, toml=toml + 'parent = { target = "PurchTable", on = { Order = "PurchId" } }').steps
    assert steps[1].parent_step == 1
    assert steps[1].link == ((1, 0),)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('parent = { target = "PurchTabel" }', "names 'PurchTabel', and .*PurchLine is nested in PurchTable"),
        ('via = "files"', "its rows travel in those of another entity"),
    ],
)
def test_what_is_said_of_lines_and_cannot_be_is_refused(planned, orders, said, told) -> None:
    with pytest.raises(PlanRefused, match=told) as refused:
        planned(*orders, toml=f'{DROP}[table."Purch line"]\n{said}')
    assert refused.value.advice


@pytest.mark.parametrize("holder", ["PurchTable", "purch_table", "PurchTableService.PurchTable", "RapidStart/PurchTable"])
def test_the_parent_may_be_called_as_a_target_is(planned, orders, holder) -> None:
    toml = f'{DROP}[table."Purch line"]\nparent = {{ target = "{holder}" }}'
    assert planned(*orders, toml=toml).steps[1].parent_step == 1


@pytest.mark.parametrize("target", ["", 'target = "CustGroup"\n'])
def test_a_record_of_its_own_is_not_nested_because_a_mapping_says_so(planned, action, target) -> None:
    toml = f'[table.CustGroup]\n{target}parent = {{ target = "PurchTable" }}'
    with pytest.raises(PlanRefused, match="CustGroup is a record of its own and cannot be nested"):
        planned(action("CustGroup", "CustGroup", ["1"]), toml=toml)


def test_lines_without_headers_are_refused(planned, action) -> None:
    with pytest.raises(PlanRefused, match="has no rows for PurchTable"):
        planned(action("PurchLine", "ItemId", ["1"]))


def test_choosing_a_line_step_brings_its_header(planned, orders) -> None:
    assert [step.no for step in planned(*orders, toml=DROP, only="PurchLine").steps] == [1, 2]


def test_units_are_found_by_column_or_field(planned, action, package) -> None:
    group = action("CustGroup", "Journal,Cust group", ["J1", "1"])
    (step,) = planned(group, toml='[table.CustGroup]\nunit = ["Journal"]\nfields = { Journal = "Name" }').steps
    (row,) = plan.rows(package(group), step)
    assert [row.cells[index] for index in step.unit] == ["J1"]
    assert step.layout.unit == ("Name",)
    (step,) = planned(action("CustGroup", "Cust group", ["1"]), toml='[table.CustGroup]\nunit = ["CustGroup"]').steps
    assert step.unit == (0,)
