"""`rapidstart endpoint metadata` and AX's data dictionary."""

import time

import pytest

from connector.ledger import dictionaries, jobs
from connector.wire.dictionary import (
    DataEnum,
    DataTable,
    DeclaredClass,
    DeclaredService,
    Dictionary,
    EnumEntry,
    ServiceOperation,
    TableField,
    TableIndex,
    TableRelation,
)

GROUP = DataTable(
    name="CustGroup",
    label="Debitorengruppe",
    fields=(
        TableField(name="CustGroup", length=10, mandatory=True, allow_edit=False, data_type="CustGroupId", label="Code\x1b[2J"),
        TableField(name="Blocked", type="Enum", enum="NoYes"),
        TableField(name="RecId", type="Int64", system=True),
    ),
    indexes=(TableIndex(name="GroupIdx", fields=("CustGroup",), unique=True, alternate_key=True),),
    primary_index="GroupIdx",
    replacement_key=("CustGroup",),
    relations=(
        TableRelation(name="Term", table="PaymTerm", fields=(("TermId", "PaymTermId"),), fixed=(("Blocked", 0),)),
    ),
    per_company=False,
    parent="Base",
)  # fmt: skip
KNOWN = Dictionary(
    language="de",
    tables=(GROUP, DataTable(name="CustTable")),
    enums=(DataEnum(name="NoYes", entries=(EnumEntry(symbol="No", number=0, label="Nein"),)),),
    services=(
        DeclaredService(
            name="CustService",
            class_name="CustServiceClass",
            operations=(
                ServiceOperation(name="create", idempotent=True),
                ServiceOperation(name="run", idempotent=False),
                ServiceOperation(name="old"),
            ),
        ),
    ),
    classes=(DeclaredClass(name="Global", methods=("main",)),),
)


@pytest.fixture
def known(office):
    with office.ledger.write() as db:
        dictionaries.keep(db, "aos-1", KNOWN, at=time.time())
    return office


def test_what_is_known_stands_below_the_contract(known, run):
    ran = run("endpoint", "metadata", "AOS-1")
    assert ran.code == 0
    assert "Data dictionary: 2 tables, imported " in ran.out
    assert "labels in de" in ran.out
    assert "Data dictionary: 1 class, imported " in ran.out
    assert "1 services" not in run("endpoint", "metadata", "AOS-1", "--json").out


def test_a_table_is_shown_with_fields_keys_and_relations(known, run):
    ran = run("endpoint", "metadata", "AOS-1", "--table", "custgroup")
    assert ran.code == 0
    head, *lines = ran.out.splitlines()
    assert head == "CustGroup Debitorengruppe (shared by all companies) (derived from Base)"
    told = [line.split() for line in lines]
    assert [
        "CustGroup", "(key)", "String", "10", "characters,", "CustGroupId", "always", "on", "create", "alone", r"Code\x1b[2J",
    ] in told  # fmt: skip
    assert ["Blocked", "Enum", "an", "entry", "of", "NoYes"] in told
    assert ["RecId", "Int64", "by", "AX"] in told
    assert ["GroupIdx", "CustGroup", "primary,", "alternate", "key,", "unique"] in told
    assert ["Term", "PaymTerm", "TermId", "=", "PaymTermId", "Blocked", "is", "0"] in told


def test_enums_services_and_classes_are_shown(known, run):
    assert ["No", "0", "Nein"] in [
        line.split() for line in run("endpoint", "metadata", "AOS-1", "--enum", "noyes").out.splitlines()
    ]
    service = run("endpoint", "metadata", "AOS-1", "--service", "CustService").out
    assert "is refused by its MessageId" in service
    assert "is carried out again" in service
    assert "is not told" in service
    assert run("endpoint", "metadata", "AOS-1", "--class", "global").out.split() == ["Global", "main"]


def test_everything_is_there_as_json(known, run):
    ran = run("endpoint", "metadata", "AOS-1", "--table", "CustGroup", "--enum", "NoYes", "--json")
    table, enum = ran.lines
    assert (table["kind"], enum["kind"]) == ("table", "enum")
    assert DataTable.model_validate(table) == GROUP
    assert [each["name"] for each in run("endpoint", "metadata", "AOS-1", "--search", "cust", "--json").lines] == [
        "CustGroup", "CustTable", "CustService",
    ]  # fmt: skip


def test_a_label_leads_to_its_table_and_nothing_to_nothing(known, run):
    assert "CustGroup" in run("endpoint", "metadata", "AOS-1", "--search", "debitoren").out
    assert "Nothing" in run("endpoint", "metadata", "AOS-1", "--search", "100%").err


def test_what_is_not_known_is_told_with_what_sounds_like_it(known, run):
    ran = run("endpoint", "metadata", "AOS-1", "--table", "Cust")
    assert ran.code == 3
    assert "has no table named Cust. Similar ones: CustGroup, CustTable." in ran.err
    assert "--search TEXT" in run("endpoint", "metadata", "AOS-1", "--table", "CustGruop").err


def test_an_import_is_ordered(office, run):
    ran = run("endpoint", "metadata", "AOS-1", "--import", "--language", "de", "--table", "CustGroup", "--json")
    assert ran.code == 0
    (job,) = ran.lines
    assert (job["kind"], job["endpoint"]) == ("metadata", "AOS-1")
    assert f"An import is under way: rapidstart job watch {job['id']}" in run("endpoint", "metadata", "AOS-1").out
    again = run("endpoint", "metadata", "AOS-1", "--import")
    assert again.code == 3
    assert f"already, by {job['id']}" in again.err


def test_the_computer_of_an_aos_may_be_named_with_its_instance(office, run):
    ran = run("endpoint", "metadata", "AOS-1", "--import", "--host", "aos07", "--instance", "2", "--json")
    assert ran.code == 0
    with office.ledger.read() as db:
        order = jobs.get(db, ran.lines[0]["id"]).order.dictionary
    assert order["address"] == "net.tcp://aos07:8202/DynamicsAx/Services/MetadataService"


@pytest.mark.parametrize(
    "options",
    [
        ("--host", "aos"),
        ("--import", "--instance", "1"),
        ("--services-only",),
        ("--watch",),
        ("--import", "--services-only", "--table", "T"),
        ("--import", "--language", "d e"),
    ],
)
def test_options_that_make_no_sense_are_refused(office, run, options):
    assert run("endpoint", "metadata", "AOS-1", *options).code in (2, 3)
