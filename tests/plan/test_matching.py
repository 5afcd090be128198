"""Entities find their records and columns their fields; a refusal says what to write, and what it says works."""

import tomllib

import pytest

from connector.errors import PlanRefused
from connector.wire.metadata import Field, Metadata, Table


@pytest.mark.parametrize(
    ("entity", "table", "why"),
    [
        ("CustGroup", "CustGroup", "this very name"),
        ("cust_group", "CustGroup", "case and punctuation"),
        ("Payment terms", "PaymTerm", "the document's"),
        ("Customer", "CustTable", "the service's"),
        ("customer service", "CustTable", "the service's"),
        ("01 Cust group", "CustGroup", "case and punctuation"),
    ],
)
def test_an_entity_is_found_by_the_names_of_record_document_or_service(planned, action, entity, table, why) -> None:
    columns = {"CustGroup": "CustGroup", "PaymTerm": "PaymTermId", "CustTable": "AccountNum"}[table]
    (step,) = planned(action(entity, columns, ["1"])).steps
    assert (step.table, step.layout.table) == (table, table)
    assert why in step.match_reason
    assert step.target.address.endswith("/RapidStart/xppservice.svc")
    assert step.target.contract == "abc"


@pytest.mark.parametrize(
    "target", ["CustGroup", "CustGroupService.CustGroup", "RapidStart/CustGroup.CustGroup", "CustGroup.create"]
)
def test_the_mapping_names_a_record(planned, action, target) -> None:
    (step,) = planned(action("Groups", "CustGroup", ["1"]), toml=f'[table.Groups]\ntarget = "{target}"').steps
    assert (step.table, step.match_reason) == ("CustGroup", f"the mapping says {target}")


def test_an_operation_that_writes_no_rows_is_no_target(planned, action) -> None:
    with pytest.raises(PlanRefused, match=r"There are the records CustGroup\."):
        planned(action("Groups", "CustGroup", ["1"]), toml='[table.Groups]\ntarget = "CustGroupService.find"')


def test_unknown_entities_are_told_together_with_names_that_are_near(planned, action) -> None:
    with pytest.raises(PlanRefused) as refused:
        planned(action("CustGrupp", "A", ["1"]), action("Zebras", "A", ["1"]))
    assert "'CustGrupp' (near: CustGroup" in refused.value.message
    assert "'Zebras'" in refused.value.message


def test_an_ambiguous_entity_lists_its_candidates_and_the_mapping_settles_it(planned, action, service, cust_group) -> None:
    both = Metadata(fingerprint="f", services=(service(cust_group), service(cust_group, port="Other")))
    with pytest.raises(PlanRefused) as refused:
        planned(action("CustGroup", "CustGroup", ["1"]), metadata=both)
    assert "RapidStart/CustGroupService.CustGroup, Other/CustGroupService.CustGroup" in refused.value.message
    toml = '[table.CustGroup]\ntarget = "Other/CustGroupService.CustGroup"'
    assert planned(action("CustGroup", "CustGroup", ["1"]), metadata=both, toml=toml).steps[0].target.port == "Other"


def test_columns_are_matched_in_the_order_of_the_cells(planned, action) -> None:
    (step,) = planned(action("CustGroup", "NAME,Cust-Group,paym term id", ["n", "g", "p"])).steps
    assert [(column.name, column.field) for column in step.layout.columns] == [
        ("NAME", "Name"), ("Cust-Group", "CustGroup"), ("paym term id", "PaymTermId"),
    ]  # fmt: skip


def test_all_columns_without_a_field_are_told_and_the_advice_can_be_pasted(planned, action) -> None:
    group = action("Cust group", "Cust group,Descr.,Payment term,Zebra", ["1", "a", "b", "c"])
    with pytest.raises(PlanRefused) as refused:
        planned(group)
    assert all(repr(column) in refused.value.message for column in ("Descr.", "Payment term", "Zebra"))
    line = next(line for line in refused.value.advice.splitlines() if line.startswith("fields"))
    written = tomllib.loads(f'[table."Cust group"]\n{line}')["table"]["Cust group"]["fields"]
    assert written["Payment term"] == "PaymTermId"
    written |= {"Descr.": "Name"}
    toml = '[table."Cust group"]\nfields = { ' + ", ".join(f'"{key}" = "{value}"' for key, value in written.items()) + " }"
    (step,) = planned(group, toml=toml).steps
    assert [column.field for column in step.layout.columns] == ["CustGroup", "Name", "PaymTermId"]


def test_advice_that_is_pasted_fills_no_field_twice_and_none_that_is_only_a_bit_alike(planned, action) -> None:
    with pytest.raises(PlanRefused) as refused:
        planned(action("CustTable", "AccountNum,Cust grp,Customer group,Acct", ["1", "a", "b", "c"]))
    line = next(line for line in refused.value.advice.splitlines() if line.startswith("fields"))
    fields = tomllib.loads(line)["fields"]
    assert fields == {"Cust grp": "CustGroup", "Customer group": "", "Acct": ""}


def test_a_column_is_dropped_only_on_purpose_and_its_cells_do_not_travel(planned, action, package) -> None:
    from connector import plan

    group = action("CustGroup", "Note,CustGroup,Name", ["n", "01", "x"])
    made = planned(group, toml='[table.CustGroup]\nfields = { Note = "" }')
    assert [column.name for column in made.steps[0].layout.columns] == ["CustGroup", "Name"]
    assert [row.cells for row in plan.rows(package(group), made.steps[0])] == [["01", "x"]]


def test_system_fields_and_structures_are_not_matched_by_name(planned, action) -> None:
    with pytest.raises(PlanRefused, match="no field for the column 'RecId'"):
        planned(action("CustGroup", "CustGroup,RecId", ["1", "2"]))
    toml = '[table.CustGroup]\nfields = { RecId = "RecId" }'
    with pytest.raises(PlanRefused, match="numbers that AX gives"):
        planned(action("CustGroup", "CustGroup,RecId", ["1", "2"]), toml=toml)
    with pytest.raises(PlanRefused, match="of a form that this program does not know"):
        planned(action("CustGroup", "CustGroup,Default dimension", ["1", "2"]))


def test_two_columns_cannot_fill_one_field(planned, action) -> None:
    with pytest.raises(PlanRefused, match=r"'Name' and 'NAME' both fill CustGroup\.Name"):
        planned(action("CustGroup", "CustGroup,Name,NAME", ["1", "2", "3"]))


def test_the_manifests_name_for_a_column_counts_too(planned, action) -> None:
    from dataclasses import replace

    renamed = replace(action("CustGroup", "GRP", ["1"]), aliases={"GRP": "CUSTGROUP"})
    assert planned(renamed).steps[0].layout.columns[0].field == "CustGroup"


def test_a_mandatory_field_that_nothing_fills_is_noticed(planned, action) -> None:
    group = action("CustGroup", "Name", ["1"])
    assert "demands CustGroup" in planned(group, toml='[table.CustGroup]\nkey = ["Name"]').notices[0]
    filled = planned(group, toml='[table.CustGroup]\nkey = ["Name"]\nconstants = { CustGroup = "10" }')
    assert (filled.notices, filled.steps[0].layout.constants) == ((), {"CustGroup": "10"})


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[table."Custgroup"]\nkey = ["A"]', "Did you mean 'CustGroup'"),
        ("[tabel.CustGroup]", "Did you mean 'table'"),
        ("[table.CustGroup]\nfeilds = {}", "Did you mean 'fields'"),
        ('[table.CustGroup]\nparent = { targte = "X" }', "Did you mean 'target'"),
        ("table = 3", "table must be words with their values"),
        ('[table.CustGroup]\nkey = "A"', """table.CustGroup.key must be a list of texts, as ["CustGroup"]"""),
        ("[table.CustGroup]\nconstants = { Name = 1 }", 'constants.Name must be a text in quotes, as "CustGroup"'),
        ('[table.CustGroup]\nidempotent = "yes"', "idempotent must be true or false, without quotes"),
        ('[table.CustGroup]\nblank = "empty"', "table.CustGroup.blank must be 'keep' or 'clear'"),
        ("[table.CustGroup]\nparent = {}", "parent.target is missing"),
        ('[table.CustGroup]\nstructure.Name = { delimiter = "" }', "delimiter must be a text of at least one character"),
        ('[table.CustGroup]\nfields = { Nam = "Name" }', "Did you mean 'Name'"),
        ('[table.CustGroup]\nfields = { Name = "Nmae" }', "Did you mean 'Name'"),
        ('[table.CustGroup]\nafter = ["Payments"]', "'Payments', which the package does not have. The package has 'CustGroup'."),
        ("[table", "not valid TOML"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused_with_the_closest_word(planned, action, toml, message) -> None:
    with pytest.raises(PlanRefused) as refused:
        planned(action("CustGroup", "CustGroup,Name", ["1", "x"]), toml=toml)
    assert message in str(refused.value)


def test_an_entity_may_be_the_document_only_when_it_has_one_record(planned, action, service) -> None:
    two = service(Table(name="A", fields=(Field(name="X"),)), document="Pair")
    document = two.document.model_copy(update={"tables": (*two.document.tables, Table(name="B", fields=(Field(name="X"),)))})
    known = Metadata(fingerprint="f", services=(two.model_copy(update={"document": document}),))
    with pytest.raises(PlanRefused):
        planned(action("Pair", "X", ["1"]), metadata=known)


def test_an_entity_without_a_record_is_told_with_what_is_near_and_what_to_write(planned, action) -> None:
    with pytest.raises(PlanRefused) as refused:
        planned(action("CustGruop", "CustGroup", ["1"]))
    assert refused.value.message.startswith("no record on this endpoint is named like 'CustGruop' (near: CustGroup")
    assert refused.value.message.endswith(").")
    assert '[table."CustGruop"]' in refused.value.advice


def test_all_entities_that_do_not_fit_are_told_at_once(planned, action) -> None:
    with pytest.raises(PlanRefused) as refused:
        planned(action("CustGroup", "CustGroup,Zebra", ["1", "2"]), action("PaymTerm", "PaymTermId,Lion", ["1", "2"]))
    assert "'Zebra'" in str(refused.value)
    assert "'Lion'" in str(refused.value)
    assert refused.value.message == "2 entities do not fit this endpoint:"


def test_the_fields_of_a_unit_travel_with_the_layout(planned, action) -> None:
    found = planned(action("CustGroup", "CustGroup,Name"), toml='[table.CustGroup]\nunit = ["Name"]')
    assert found.steps[0].layout.unit == ("Name",)
    assert found.steps[0].unit == (1,)


def test_a_unit_of_a_column_that_is_not_loaded_is_refused(planned, action) -> None:
    toml = '[table.CustGroup]\nunit = ["Voucher"]\nfields = { Voucher = "" }\n'
    with pytest.raises(PlanRefused, match="unit of CustGroup fills no field"):
        planned(action("CustGroup", "CustGroup,Voucher"), toml=toml)
