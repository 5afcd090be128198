"""Structures, derived and date-effective records, and numbers that AX gives: what the plan asks of the mapping."""

import pytest

from connector.errors import PlanRefused
from connector.plan.inspect import describe
from connector.plan.mapping import parse
from connector.wire.jobs import Merge, Mode
from connector.wire.metadata import Document, Field, FieldType, Metadata, Service, Structure, Table

VALUES = Field(name="Values", type=FieldType.COMPLEX)
TEXTS = (Field(name="DisplayValue", mandatory=True), Field(name="Account", mandatory=True))
ACCOUNT = Structure(namespace="urn:s", parts=(*TEXTS, VALUES), values="Values")
TRANS = Table(
    name="Trans",
    fields=(
        Field(name="Id"),
        Field(name="LedgerDimension", type=FieldType.COMPLEX, structure=ACCOUNT),
        Field(name="Main", type=FieldType.COMPLEX, structure=Structure(namespace="urn:s", parts=(Field(name="MainAccount"),))),
        Field(name="At", type=FieldType.DATETIME, attributes=(Field(name="timezone", symbols=("UTC",)),)),
        Field(name="Party", type=FieldType.INTEGER, type_name="AxdExtType_DirPartyRecId"),
    ),
)


def endpoint(*tables: Table, key: tuple[str, ...] = ("Id",), fields: tuple[Field, ...] = ()) -> Metadata:
    services = [
        Service(
            address="http://aos/MicrosoftDynamicsAXAif60/P/xppservice.svc",
            port="P",
            name=f"{table.name}Service",
            namespace="urn:s",
            operations=("create", "read", "update"),
            key=key,
            document=Document(name=f"Axd{table.name}", namespace="urn:x", fields=fields, tables=(table,)),
        )
        for table in tables
    ]
    return Metadata(fingerprint="f", services=tuple(services))


MERGE = '[table.Trans.structure.LedgerDimension]\nupdate = "merge"\n'


def test_a_dotted_column_fills_a_part_spelled_as_the_contract_or_the_package_does(planned, action):
    trans = action("Trans", "Id,Ledger dimension.account,LedgerDimension.cost CENTER,at.TimeZone", ["1", "2", "3", "UTC"])
    columns = planned(trans, metadata=endpoint(TRANS), toml=MERGE).steps[0].layout.columns
    assert [(column.field, column.part) for column in columns] == [
        ("Id", ""),
        ("LedgerDimension", "Account"),
        ("LedgerDimension", "cost CENTER"),
        ("At", "timezone"),
    ]


def test_the_mapping_names_parts_for_columns_and_constants(planned, action):
    toml = (
        '[table.Trans]\nfields = { Dept = "LedgerDimension.Department" }\nconstants = { "LedgerDimension.Account" = "1" }\n'
        + MERGE
    )
    layout = planned(action("Trans", "Id,Dept", ["1", "2"]), metadata=endpoint(TRANS), toml=toml).steps[0].layout
    assert (layout.columns[1].field, layout.columns[1].part) == ("LedgerDimension", "Department")
    assert layout.constants == {"LedgerDimension.Account": "1"}
    assert layout.structures["LedgerDimension"].update is Merge.MERGE


def test_a_delimited_column_needs_its_segments(planned, action):
    trans = action("Trans", "Id,LedgerDimension", ["1", "2-3"])
    with pytest.raises(PlanRefused, match="which parts of it the text holds") as refused:
        planned(trans, metadata=endpoint(TRANS), toml=MERGE)
    assert 'segments = ["Account", "Department"]' in refused.value.advice
    toml = MERGE + 'segments = ["account", "Department"]\ndelimiter = "|"'
    (step,) = planned(trans, metadata=endpoint(TRANS), toml=toml).steps
    structured = step.layout.structures["LedgerDimension"]
    assert (structured.segments, structured.delimiter) == (("Account", "Department"), "|")


def test_a_structure_of_one_text_takes_a_column_as_it_is(planned, action):
    layout = planned(action("Trans", "Id,Main", ["1", "2"]), metadata=endpoint(TRANS)).steps[0].layout
    assert layout.structures["Main"].segments == ("MainAccount",)


@pytest.mark.parametrize(
    ("columns", "toml", "sentence"),
    [
        ("Id,LedgerDimension.Account,LedgerDimension.ACCOUNT", MERGE, "both fill"),
        ("Id,LedgerDimension,LedgerDimension.Department", MERGE + 'segments = ["Account", "department"]', "both fill"),
        ("Id,Main.Department", "", "no field for the column"),
        ("Id,At.zone", "", "no field for the column"),
        ("Id", '[table.Trans.structure.Id]\nupdate = "merge"', "no structure 'Id'"),
        ("Id,Main", '[table.Trans.structure.Main]\nsegments = ["Other"]', "no part 'Other'"),
        ("Id", '[table.Trans]\nconstants = { "Main.Department" = "1" }', "'Main.Department', which Trans does not have"),
        ("Id,Party", "", "numbers that AX gives"),
        ("Id", '[table.Trans]\nconstants = { Party = "5637144576" }', "numbers that AX gives"),
        ("Id", '[table.Trans]\ntype = "Other"', "has no derived types"),
        ("Id", '[table.Trans]\ndocument = { DocPurpose = "Original" }', "has no 'DocPurpose'"),
        ("Id,LedgerDimension", MERGE + 'segments = ["Account", "account"]', "'Account' of Trans.LedgerDimension twice"),
        ("Id", "[table.Trans]\nidempotent = true", "`idempotent` means nothing"),
        ("Id", '[table.Trans]\noutcome = "created"', "`outcome` means nothing"),
        ("Id", '[table.Trans]\nfolder = "In"', "`folder` means nothing.*via"),
        ("Id", '[table.Trans]\nformats = { Id = "date" }', "`formats` means nothing.*dixf"),
        ("Id", '[table.Trans]\nvia = "files"\nformats = { Id = "date" }', "`formats` means nothing"),
        ("Id", '[table.Trans]\nvia = "dixf"\nconstants = { Id = "1" }', "`constants` means nothing"),
        ("Id", '[table.Trans]\nvia = "dixf"\ncall = "class"', "`call` means nothing"),
    ],
)
def test_what_cannot_be_is_refused(planned, action, columns, toml, sentence):
    with pytest.raises(PlanRefused, match=sentence):
        planned(action("Trans", columns, ["1"] * (columns.count(",") + 1)), metadata=endpoint(TRANS), toml=toml)


def test_what_stands_beside_the_records_must_fit_too(planned, action):
    purpose = Field(name="DocPurpose", symbols=("Original", "Duplicate"))
    known, trans = endpoint(TRANS, fields=(purpose,)), action("Trans", "Id", ["1"])
    good = planned(trans, metadata=known, toml='[table.Trans]\ndocument = { DocPurpose = "Duplicate" }')
    assert good.steps[0].layout.document == {"DocPurpose": "Duplicate"}
    with pytest.raises(PlanRefused, match="`document` of the mapping does not fit: DocPurpose: 'Copy' is not one of"):
        planned(trans, metadata=known, toml='[table.Trans]\ndocument = { DocPurpose = "Copy" }')


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.UPDATE])
def test_where_records_change_the_mapping_says_what_becomes_of_other_dimensions(planned, action, mode):
    trans = action("Trans", "Id,LedgerDimension.Department", ["1", "2"])
    with pytest.raises(PlanRefused, match="does not say what becomes of") as refused:
        planned(trans, metadata=endpoint(TRANS), mode=mode)
    assert '[table."Trans".structure.LedgerDimension]\nupdate = "merge"' in refused.value.advice
    assert planned(trans, metadata=endpoint(TRANS), mode=Mode.CREATE).steps[0].mode is Mode.CREATE


NAME = Table(
    name="PersonName", fields=(Field(name="Name"), Field(name="ValidFrom", type=FieldType.DATETIME), Field(name="ValidTo"))
)
PERSON = Table(
    name="Party", fields=(Field(name="Id"), Field(name="Initials")), children=(NAME,), type_name="AxdEntity_Party_Person"
)
TEAM = Table(name="Party", fields=(Field(name="Id"),), type_name="AxdEntity_Party_Team")
PARTY = Table(name="Party", fields=(Field(name="Id"),), type_name="AxdEntity_Party", abstract=True, derived=(PERSON, TEAM))


def test_a_derived_type_is_chosen_by_the_mapping(planned, action):
    party = action("Party", "Id,Initials", ["1", "A."])
    toml = '[table.Party]\ntype = "{}"'
    layout = planned(party, metadata=endpoint(PARTY), toml=toml.format("Person")).steps[0].layout
    assert (layout.type, layout.columns[1].field) == ("AxdEntity_Party_Person", "Initials")
    with pytest.raises(PlanRefused, match="may be of the types Person, Team") as refused:
        planned(party, metadata=endpoint(PARTY))
    assert 'type = "Team"' in refused.value.advice
    with pytest.raises(PlanRefused, match="has no type 'Company'"):
        planned(party, metadata=endpoint(PARTY), toml=toml.format("Company"))
    with pytest.raises(PlanRefused, match="no field for the column 'Initials'"):
        planned(party, metadata=endpoint(PARTY), toml=toml.format("Team"))
    known = endpoint(PARTY.model_copy(update={"abstract": False}))
    assert planned(action("Party", "Id", ["1"]), metadata=known, toml=toml.format("Party")).steps[0].layout.type == ""


def test_records_nested_in_one_type_only_need_a_parent_of_that_type(planned, action):
    party, name = action("Party", "Id", ["1"]), action("PersonName", "Id,Name,ValidFrom", ["1", "A", "2011-01-01"])
    toml = '[table.Party]\ntype = "{}"\n[table.PersonName]\nkey = ["Name"]\n'
    (root, nested) = planned(party, name, metadata=endpoint(PARTY), toml=toml.format("Person")).steps
    assert nested.parent_step == root.no
    assert nested.layout.key == ("Name", "ValidFrom")
    with pytest.raises(PlanRefused, match="not nested in AxdEntity_Party_Team"):
        planned(party, name, metadata=endpoint(PARTY), toml=toml.format("Team"))


RATE = Table(name="Rate", fields=(Field(name="Id"), Field(name="ValidFrom"), Field(name="ValidTo"), Field(name="Value")))


@pytest.mark.parametrize(
    ("columns", "toml", "key"),
    [
        ("Id,Value,ValidFrom", "", ("Id", "ValidFrom")),
        ("Id,Value", '[table.Rate]\nconstants = { ValidFrom = "2012-01-01" }', ("Id", "ValidFrom")),
        ("Id,Value", '[table.Rate]\neffective = "now"', ("Id",)),
        ("Id,Value", '[table.Rate]\ndocument = { ValidAsOfDateTime = "2012-01-01" }', ("Id",)),
    ],
)
def test_date_effective_records_say_from_when_they_hold(planned, action, columns, toml, key):
    dated = endpoint(RATE, fields=(Field(name="ValidAsOfDateTime", type=FieldType.DATETIME),))
    rate = action("Rate", columns, ["1"] * (columns.count(",") + 1))
    layout = planned(rate, metadata=dated, toml=toml).steps[0].layout
    assert layout.key == key
    assert bool(layout.document) == ("document" in toml)
    with pytest.raises(PlanRefused, match="nobody says from when"):
        planned(action("Rate", "Id,Value", ["1", "2"]), metadata=dated)


def test_a_key_that_ax_gives_allows_no_upsert(planned, action):
    trans, known = action("Trans", "Main,At", ["1", "2"]), endpoint(TRANS)
    with pytest.raises(PlanRefused, match="AX gives it to new records") as refused:
        planned(trans, metadata=known)
    assert "mode create" in refused.value.advice
    created = planned(trans, metadata=known, mode=Mode.CREATE).steps[0]
    assert (created.layout.key, created.mode) == ((), Mode.CREATE)
    assert planned(trans, metadata=known, toml='[table.Trans]\nkey = ["At"]').steps[0].mode is Mode.UPSERT


def test_rows_that_delete_nested_records_are_for_mode_update_with_a_key(planned, action):
    trans, sub = action("Trans", "Id", ["1"]), action("Sub", "Id,Line", ["1", "1"])
    known = endpoint(TRANS.model_copy(update={"children": (Table(name="Sub", fields=(Field(name="Line"),)),)}))
    toml = "[table.Sub]\ndelete = true\n"
    steps = planned(trans, sub, metadata=known, mode=Mode.UPDATE, toml=toml + 'key = ["Line"]').steps
    assert steps[0].layout.children[0].deletes
    for mode, more in ((Mode.UPSERT, 'key = ["Line"]'), (Mode.UPDATE, "")):
        with pytest.raises(PlanRefused, match="its rows delete records of Sub"):
            planned(trans, sub, metadata=known, mode=mode, toml=toml + more)
    with pytest.raises(PlanRefused, match="record of its own"):
        planned(trans, metadata=known, mode=Mode.UPDATE, toml="[table.Trans]\ndelete = true")


def test_inspect_tells_what_the_cells_may_be(package, action):
    symbols = Field(name="Kind", symbols=("No", "All"), labels=("No", "All transactions"))
    known = endpoint(TRANS.model_copy(update={"fields": (*TRANS.fields, symbols)}))
    toml = MERGE + 'segments = ["Account", "Department"]\ndelimiter = "|"'
    trans = action("Trans", "Id,LedgerDimension,At,At.timezone,Kind", ["1", "1|2", "", "", ""])
    told = describe(package(trans), known, mapping=parse(toml, "m.toml"))
    assert told.refused is None
    assert [column.takes for column in told.entities[0].columns] == [
        "",
        "Account|Department",
        "a date and time as 2011-01-31T13:30:00+01:00, of UTC where it names no offset",
        "UTC (by symbol)",
        "No, All (by symbol or label)",
    ]
    assert (told.entities[0].columns[3].field, told.entities[0].columns[3].part) == ("At", "timezone")
