"""What a consultant reads of an endpoint's services: tables, fields, enumerations, operations, companies."""

import time

import pytest

from connector.ledger import endpoints
from connector.wire.metadata import Document, Field, FieldType, Metadata, Operation, Parameter, Service, Table
from connector.wire.reports import Check

LINE = Table(name="PurchLine", fields=(Field(name="Qty", type=FieldType.DECIMAL, decimals=2),))
HEAD = Table(
    name="PurchTable",
    fields=(
        Field(name="PurchId", type=FieldType.STRING, max_length=20, mandatory=True, label="Purchase order"),
        Field(name="Status", type=FieldType.STRING, symbols=("None", "Open"), numbers=(0, 1), labels=("Keiner", "Offen")),
        Field(name="RecId", type=FieldType.INTEGER, minimum=f"{-(2**63)}", maximum=f"{2**63 - 1}"),
        Field(name="Count", type=FieldType.INTEGER, minimum="0", maximum="9"),
        Field(name="Kind", type=FieldType.STRING, symbols=tuple(f"K{n}" for n in range(45))),
    ),
    children=(LINE,),
)
METADATA = Metadata(
    fingerprint="a" * 64 + "+" + "b" * 64,
    services=(
        Service(
            address="http://aos.test/P/xppservice.svc",
            port="P",
            name="PurchService",
            namespace="urn:s",
            operations=("create", "read"),
            document=Document(name="Purch", namespace="urn:d", tables=(HEAD,)),
            key=("PurchId",),
        ),
        Service(
            address="http://aos.test/P/xppservice.svc",
            port="P",
            name="ToolService",
            namespace="urn:s",
            operations=("run",),
            calls=(
                Operation(
                    name="run",
                    parameters=(
                        Parameter(
                            name="_parm",
                            namespace="urn:s",
                            type_name="ToolContract",
                            parts=(
                                Parameter(name="Name", namespace="urn:s", field=Field(name="Name", max_length=10), repeats=True),
                            ),
                        ),
                    ),
                    result=(Parameter(name="response", namespace="urn:s", field=Field(name="response", type=FieldType.BOOLEAN)),),
                ),
            ),
        ),
    ),
)


@pytest.fixture
def surveyed(office):
    checks = (
        Check(name="Port P, company USMF", ok=True, detail="PurchService answered."),
        Check(name="Port Q, company usmf, partition initial", ok=False, detail="It is refused.", advice="Ask."),
        Check(name="Port P, company USM", ok=True, detail="Another company."),
    )
    with office.ledger.write() as db:
        endpoints.surveyed(db, "aos-1", found=METADATA, checks=checks, at=time.time())
    return office


def test_the_overview_tells_version_time_records_keys_and_operations(run, surveyed):
    lines = run("endpoint", "metadata", "AOS-1").out.splitlines()
    assert "contract aaaaaaaaaaaa + bbbbbbbbbbbb, read" in lines[0]
    assert [line.split() for line in lines[2:5]] == [
        ["PurchService", "PurchTable", "5", "PurchId", "create,", "read"],
        ["PurchLine", "1"],
        ["ToolService", "run"],
    ]


def test_a_table_is_shown_field_by_field_whatever_its_case(run, surveyed):
    out = run("endpoint", "metadata", "AOS-1", "--show", "purchtable").out
    assert "PurchService, PurchTable" in out
    fields = {line.split()[0]: line for line in out.splitlines()[2:]}
    assert all(word in fields["PurchId"] for word in ("(key)", "string", "20 characters", "always", "Purchase order"))
    assert "None (0 Keiner), Open (1 Offen)" in fields["Status"]
    assert "enumeration" in fields["Status"]
    assert "64 bits" in fields["RecId"]
    assert "0 to 9" in fields["Count"]
    assert "K39, and 5 more" in fields["Kind"]


def test_nested_records_and_operations_are_shown(run, surveyed):
    out = run("endpoint", "metadata", "AOS-1", "--show", "PurchLine", "--show", "run").out
    assert "PurchTable > PurchLine" in out
    assert "2 decimals" in out
    assert "ToolService.run" in out
    assert "Name (list)" in out
    assert "answers response" in out


def test_derived_types_are_shown_with_their_own_fields_by_the_name_that_a_mapping_gives_them(run, office):
    person = Table(name="DirParty", type_name="AxdEntity_DirParty_DirPerson", fields=(Field(name="LastName"),))
    party = Table(name="DirParty", type_name="AxdEntity_DirParty", fields=(Field(name="Name"),), derived=(person,))
    (purch, *_) = METADATA.services
    services = (purch.model_copy(update={"document": Document(name="Party", namespace="urn:p", tables=(party,))}),)
    with office.ledger.write() as db:
        endpoints.surveyed(db, "aos-1", found=Metadata(fingerprint="a" * 64, services=services), checks=(), at=time.time())
    for name in ("DirParty", "dirperson"):
        out = run("endpoint", "metadata", "AOS-1", "--show", name).out
        assert "(derived: DirPerson)" in out
        assert '(type = "DirPerson")' in out
        assert "LastName" in out


def test_what_is_not_there_is_refused(run, surveyed):
    ran = run("endpoint", "metadata", "AOS-1", "--show", "Nothing")
    assert (ran.code, ran.out) == (3, "")
    assert "AOS-1 has no table or operation named Nothing" in ran.err


def test_json_has_all_of_it_with_its_time(run, surveyed):
    (line,) = run("endpoint", "metadata", "AOS-1", "--json").lines
    assert line["fingerprint"] == METADATA.fingerprint
    assert line["surveyed_at"] == surveyed.client.endpoint("AOS-1")["surveyed_at"]
    assert Metadata.model_validate(line) == METADATA


def test_companies_are_told_with_what_the_last_test_said_of_them(run, surveyed):
    ran = run("endpoint", "companies", "AOS-1")
    assert ran.out == "USMF  ✗ It is refused.\n"
    assert ran.err == ""
    assert run("endpoint", "companies", "AOS-1", "--json").lines == [{"company": "USMF", "ok": False, "detail": "It is refused."}]


def test_a_company_that_was_never_tested_says_how(run, office):
    ran = run("endpoint", "companies", "AOS-1")
    assert ran.out == "USMF\n"
    assert "rapidstart endpoint test AOS-1" in ran.err
