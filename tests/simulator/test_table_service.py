"""The X++ table and class service of deploy/ax, served over the same records as the document services."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from tests.simulator.table_client import (
    CONTRACT,
    TableClient,
    objects,
    outcomes,
    row,
    strings,
    texts,
)
from workers.simulator.chaos import Fault
from workers.simulator.tableservice import invoking, reading, request


def test_answers_match_the_contract(tables: TableClient) -> None:
    schema = etree.XMLSchema(file=str(CONTRACT / "xppservice4.xsd"))
    tables.write("createRows", "PaymTerm", row(PaymTermId="N030"))
    one = f"<_table>PaymTerm</_table><_rows>{row(PaymTermId='N030')}</_rows>"
    replies = [
        tables.call("describe"),
        tables.call("companies"),
        tables.call("databaseMark"),
        tables.read("PaymTerm", ["PaymTermId"], ["N030"]),
        tables.call("createRows", one),
        tables.call("updateRows", one),
        tables.call("deleteRows", one),
        tables.invoke("RapidStartDemo", "echo", ("String", "hello")),
    ]
    for reply in replies:
        assert reply.status == 200
        content = etree.fromstring(etree.tostring(reply.xml[0][0]))
        assert schema.validate(content), (reply.body, schema.error_log)


def test_rows_are_the_same_over_both_services(tables: TableClient, record: Callable[..., str]) -> None:
    documents = replace(tables.client, port="Setup")
    assert documents.create("PaymTerm", record("PaymTerm", PaymTermId="N030")).status == 200
    assert outcomes(tables.write("createRows", "PaymTerm", row(PaymTermId="N060", NumOfDays="60"))) == ["Created"]
    assert outcomes(tables.write("createRows", "CustGroup", row(CustGroup="10", PaymTermId="N030"))) == ["Created"]
    assert documents.read("PaymTerm", {"PaymTermId": "N060"}).records("PaymTerm")[0]["NumOfDays"] == "60"
    assert [r["PaymTermId"] for r in tables.client.rows("PaymTerm")] == ["N030", "N060"]
    found = tables.rows("paymterm", ["PaymTermId"], ["n030"], ["N999"], ["N060"])
    assert [(r["_"]["Index"], r["PaymTermId"], r["NumOfDays"]) for r in found] == [("1", "N030", "0"), ("3", "N060", "60")]
    assert tables.client.sim("stats")["rows_created"] == 3


def test_one_call_finds_all_bad_rows_and_writes_nothing(tables: TableClient) -> None:
    tables.write("createRows", "PaymTerm", row(PaymTermId="N030"))
    results = tables.write(
        "createRows",
        "CustGroup",
        row(CustGroup="10", PaymTermId="N030"),
        row(CustGroup="20", PaymTermId="N099"),
        row(Name="no key"),
        row(CustGroup="10"),
        row(CustGroup="40", Name="x" * 21),
        row(CustGroup="50", Colour="red"),
    )
    assert outcomes(results) == ["NotWritten", *["Refused"] * 5]
    assert [r["Field"] for r in results] == ["", "PaymTermId", "CustGroup", "CustGroup", "Name", "Colour"]
    assert [r["Index"] for r in results] == ["1", "2", "3", "4", "5", "6"]
    assert texts(results[1]) == ["The value 'N099' in field 'PaymTermId' is not found in the related table 'PaymTerm'."]
    assert texts(results[3]) == [
        "Cannot create a record in CustGroup (Customer groups). CustGroup: 10. The record already exists."
    ]
    assert texts(results[4]) == ["The value of the field 'Name' has 21 characters, 20 are allowed."]
    assert tables.client.rows("CustGroup") == []


def test_validation_alone_writes_nothing(tables: TableClient) -> None:
    assert outcomes(tables.write("createRows", "PaymTerm", row(PaymTermId="N030"), validate=True)) == ["NotWritten"]
    assert tables.client.rows("PaymTerm") == []


def test_update_changes_what_is_named_and_refuses_what_is_stale(tables: TableClient) -> None:
    (made,) = tables.write("createRows", "PaymTerm", row(PaymTermId="N030", Description="Thirty", NumOfDays="30"))
    (done,) = tables.write("updateRows", "PaymTerm", row(made["RecId"], made["RecVersion"], NumOfDays="31"))
    assert (done["Outcome"], done["RecId"]) == ("Updated", made["RecId"])
    assert tables.client.rows("PaymTerm") == [{"PaymTermId": "N030", "Description": "Thirty", "NumOfDays": "31"}]
    (stale,) = tables.write("updateRows", "PaymTerm", row(made["RecId"], made["RecVersion"], NumOfDays="32"))
    assert stale["Outcome"] == "Refused"
    assert "update conflict" in texts(stale)[0]
    (cleared,) = tables.write("updateRows", "PaymTerm", row(done["RecId"], done["RecVersion"], Description=None))
    assert cleared["Outcome"] == "Updated"
    assert tables.client.rows("PaymTerm") == [{"PaymTermId": "N030", "NumOfDays": "31"}]
    (gone,) = tables.write("updateRows", "PaymTerm", row("1", "1", NumOfDays="1"))
    assert "was not found" in texts(gone)[0]


def test_delete_needs_the_record_as_it_was_read(tables: TableClient) -> None:
    first, second = tables.write("createRows", "PaymTerm", row(PaymTermId="A"), row(PaymTermId="B"))
    one, two = (row(r["RecId"], r["RecVersion"]) for r in (first, second))
    assert outcomes(tables.write("deleteRows", "PaymTerm", one, row(second["RecId"], "9"))) == ["NotWritten", "Refused"]
    assert outcomes(tables.write("deleteRows", "PaymTerm", one, one)) == ["NotWritten", "Refused"]
    assert outcomes(tables.write("deleteRows", "PaymTerm", one, two)) == ["Deleted", "Deleted"]
    assert tables.client.rows("PaymTerm") == []


def test_a_message_id_works_once_even_where_rows_were_refused(tables: TableClient) -> None:
    message = str(uuid4())
    assert outcomes(tables.write("createRows", "PaymTerm", row(Description="no key"), message_id=message)) == ["Refused"]
    again = tables.call("createRows", f"<_table>PaymTerm</_table><_rows>{row(PaymTermId='A')}</_rows>", message_id=message)
    assert again.status == 500
    assert again.all("f:Code") == ["DuplicateMessage"]
    reading = [tables.read("PaymTerm", ["PaymTermId"], ["A"], message_id=message) for _ in range(2)]
    assert [reply.status for reply in reading] == [200, 200]
    assert tables.client.sim("stats")["duplicates_refused"] == 1


def test_a_line_finds_its_parent_by_the_parents_key(tables: TableClient) -> None:
    tables.write("createRows", "PurchTable", row(PurchId="P1"))
    results = tables.write("createRows", "PurchLine", row(PurchId="P1", LineNum="1"), row(PurchId="P2", LineNum="1"))
    assert outcomes(results) == ["NotWritten", "Refused"]
    assert outcomes(tables.write("createRows", "PurchLine", row(PurchId="P1", LineNum="1"))) == ["Created"]
    documents = replace(tables.client, port="Setup")
    found = documents.read("PurchTable", {"PurchId": "P1"}, company="USMF").records("PurchLine")
    assert [line["LineNum"] for line in found] == ["1"]


def test_references_travel_by_replacement_key(accounts: TableClient) -> None:
    made = accounts.write(
        "createRows",
        "MainAccount",
        row(MainAccountId="1000", Chart__Name="shared"),
        row(MainAccountId="1000", Chart__Name="Other"),
    )
    assert outcomes(made) == ["Created", "Created"]
    refused = accounts.write(
        "createRows",
        "Posting",
        row(Profile="A", Account__MainAccountId="1000", Account__Chart__Name="Other"),
        row(Profile="B", Account__MainAccountId="1000"),
        row(Profile="C", Account__MainAccountId="9"),
        row(Profile="D", Account=made[0]["RecId"]),
    )
    assert outcomes(refused) == ["NotWritten", "Refused", "Refused", "Refused"]
    assert "finds 2 records" in texts(refused[1])[0]
    assert "finds no record" in texts(refused[2])[0]
    assert "not a number" in texts(refused[3])[0]
    full = row(Profile="A", Account__MainAccountId="1000", Account__Chart__Name="Other")
    assert outcomes(accounts.write("createRows", "Posting", full, row(Profile="E"))) == ["Created", "Created"]
    first, second = accounts.rows("Posting", ["Profile"], ["A"], ["E"])
    assert (first["Account.MainAccountId"], first["Account.Chart.Name"]) == ("1000", "Other")
    assert (second["Account.MainAccountId"], second["Account.Chart.Name"]) == (None, None)
    assert [
        r["Profile"] for r in accounts.rows("Posting", ["Account.MainAccountId", "Account.Chart.Name"], ["1000", "Other"])
    ] == ["A"]
    system = first["_"]
    assert outcomes(accounts.write("updateRows", "Posting", row(system["RecId"], system["RecVersion"], Account=None))) == [
        "Updated"
    ]
    assert accounts.rows("Posting", ["Profile"], ["A"])[0]["Account.MainAccountId"] is None


def test_a_key_that_refers_on_too_far_cannot_be_carried(start: Callable[..., Any], tmp_path: Path) -> None:
    """Four tables, each known by the one before: a path has three names at most."""
    names, before = ["A", "B", "C", "D"], ""
    definition = 'port = "Setup"\n'
    for name in names:
        facets = f'references = "{before}.RecId"' if before else "length = 9"
        definition += f'[[table]]\nname = "{name}"\nkey = ["Key"]\nfields = {{ Key = {{ {facets} }} }}\n'
        before = name
    path = tmp_path / "chain.toml"
    path.write_text(definition, encoding="utf-8")
    chain = TableClient(start(tables=(path,), contracts=(CONTRACT,), port="RapidStartTables"))
    described = {each["Name"]: each["Fields"][0] for each in objects(chain.call("describe"), "RapidStartTableInfo")}
    assert (described["C"]["Supported"], described["C"]["Reference"]["KeyFields"]) == ("true", ["Key.Key.Key"])
    assert (described["D"]["Supported"], described["D"]["Reference"]["KeyFields"]) == ("false", "")
    assert outcomes(chain.write("createRows", "A", row(Key="1"))) == ["Created"]
    assert outcomes(chain.write("createRows", "B", row(Key__Key="1"))) == ["Created"]
    assert outcomes(chain.write("createRows", "C", row(Key__Key__Key="1"))) == ["Created"]
    assert outcomes(chain.write("createRows", "D", row(Key__Key__Key__Key="1"))) == ["Refused"]


@pytest.mark.parametrize(
    ("macro", "limit"),
    [
        ("MostRows", request.MOST_ROWS),
        ("Deepest", request.DEEPEST),
        ("MostPerKey", reading.MOST_PER_KEY),
        ("MostParameters", invoking.MOST_PARAMETERS),
    ],
)
def test_the_simulators_limits_are_those_of_the_source(macro: str, limit: int) -> None:
    source = (CONTRACT.parent / "RapidStartService.xpo").read_text()
    assert re.findall(rf"#define\.{macro}\((\d+)\)", source) == [str(limit)]


def test_rows_and_message_ids_outlive_the_aos(start: Callable[..., Any], definition: Path, tmp_path: Path) -> None:
    message, options = str(uuid4()), {"tables": (definition,), "contracts": (CONTRACT,), "data": tmp_path / "data"}
    first = TableClient(start(**options, port="RapidStartTables"))
    assert first.invoke("RapidStartDemo", "post", ("String", "J1"), message_id=message).status == 200
    assert outcomes(first.write("createRows", "PaymTerm", row(PaymTermId="A"))) == ["Created"]
    second = TableClient(start(**options, port="RapidStartTables"))
    assert second.invoke("RapidStartDemo", "post", ("String", "J1"), message_id=message).all("f:Code") == ["DuplicateMessage"]
    assert second.client.rows("RapidStartDemoPosting") == [{"Journal": "J1"}]
    assert [r["PaymTermId"] for r in second.rows("PaymTerm", ["PaymTermId"], ["a"])] == ["A"]


def test_tables_are_described(accounts: TableClient) -> None:
    reply = accounts.call("describe", f"<_tables>{strings(['posting', 'MainAccount'])}</_tables>")
    posting, account = objects(reply, "RapidStartTableInfo")
    assert (posting["Name"], account["Label"]) == ("Posting", "Main accounts")
    fields = {field["Name"]: field for field in account["Fields"]}
    assert list(fields)[:1] == ["Changed"]  # as the port's schema has them: by name
    assert (fields["Text"]["FieldType"], fields["Text"]["StringSize"]) == ("String", "10")
    assert [entry["Symbol"] for entry in fields["Sign"]["EnumEntries"]] == ["Both", "Debit", "Credit"]
    assert (fields["Closed"]["EnumName"], fields["Picture"]["Supported"]) == ("NoYes", "false")
    assert fields["Chart"]["Reference"] == {"KeyFields": ["Chart.Name"], "Table": "Chart"}
    assert fields["Text"]["Reference"] is None
    account_ref = next(f for f in posting["Fields"] if f["Name"] == "Account")["Reference"]
    assert account_ref["KeyFields"] == ["Account.MainAccountId", "Account.Chart.Name"]
    assert [i["Fields"] for i in account["Indexes"]] == [["MainAccountId", "Chart"]]
    everything = {table["Name"] for table in objects(accounts.call("describe"), "RapidStartTableInfo")}
    assert everything == {"Chart", "MainAccount", "Posting"}


def test_companies_are_listed(tables: TableClient) -> None:
    assert [c["Id"] for c in objects(tables.call("companies"), "RapidStartCompany")] == ["USMF", "DEMF"]


def mark(tables: TableClient) -> str:
    return str(tables.call("databaseMark").xml.findtext(".//{*}response"))


def test_a_database_keeps_its_mark_until_it_is_another_one(start: Callable[..., Any], definition: Path, tmp_path: Path) -> None:
    def started(folder: str) -> TableClient:
        return TableClient(start(tables=(definition,), contracts=(CONTRACT,), data=tmp_path / folder, port="RapidStartTables"))

    first = started("data")
    before = mark(first)
    assert len(before) > 10
    first.write("createRows", "PaymTerm", row(PaymTermId="A"))
    assert mark(started("data")) == mark(first) == before
    assert mark(started("other")) != before
    first.client.http("POST", "/_sim/reset")
    assert mark(first) != before


TWO_VALUES_FOR_ONE_FIELD = (
    f"<_table>PaymTerm</_table><_keyFields>{strings(['PaymTermId'])}</_keyFields>"
    f"<_keys><b:RapidStartKey><b:Values>{strings('AB')}</b:Values></b:RapidStartKey></_keys>"
)


@pytest.mark.parametrize(
    ("operation", "inner", "code"),
    [
        ("describe", f"<_tables>{strings(['UserInfo'])}</_tables>", "RapidStartNotAllowed"),
        ("createRows", "<_table>UserInfo</_table>", "RapidStartNotAllowed"),
        ("createRows", f"<_table>PaymTerm</_table><_rows>{row(PaymTermId='A') * 1001}</_rows>", "RapidStartBadRequest"),
        ("readRows", f"<_table>PaymTerm</_table><_keyFields>{strings(['Colour'])}</_keyFields>", "RapidStartUnknownName"),
        (
            "readRows",
            TWO_VALUES_FOR_ONE_FIELD,
            "RapidStartBadRequest",
        ),
        ("invoke", "<_class>Box</_class><_method>info</_method>", "RapidStartNotAllowed"),
        ("invoke", "<_class>RapidStartDemo</_class><_method>sing</_method>", "RapidStartUnknownName"),
    ],
)
def test_a_call_that_is_wrong_as_a_whole_is_a_fault(tables: TableClient, operation: str, inner: str, code: str) -> None:
    reply = tables.call(operation, inner)
    assert reply.status == 500
    assert reply.all("f:Code") == [code]
    assert tables.client.rows("PaymTerm") == []


def test_what_the_schema_does_not_know_is_refused(tables: TableClient) -> None:
    reply = tables.call("createRows", "<_rows/><_table>PaymTerm</_table>")
    assert (reply.status, tables.client.sim("stats")["faults"]) == (500, 1)
    assert "_table" in reply.messages[0]


def test_a_deadlock_rolls_everything_back(start: Callable[..., Any], definition: Path) -> None:
    found = TableClient(start(tables=(definition,), contracts=(CONTRACT,), port="RapidStartTables", faults={Fault.DEADLOCK: 1.0}))
    message = str(uuid4())
    inner = f"<_table>PaymTerm</_table><_rows>{row(PaymTermId='A')}</_rows>"
    replies = [found.call("createRows", inner, message_id=message) for _ in range(2)]
    assert [reply.messages for reply in replies] == [["Deadlock."], ["Deadlock."]]
    assert found.client.rows("PaymTerm") == []
    assert found.client.sim("stats")["duplicates_refused"] == 0


def test_the_contract_alone_is_enough(start: Callable[..., Any]) -> None:
    found = TableClient(start(contracts=(CONTRACT,), port="RapidStartTables"))
    assert objects(found.call("describe"), "RapidStartTableInfo") == []
    assert found.client.http("GET", f"{found.client.path}?wsdl").status == 200


def test_the_service_is_known_by_its_name_and_not_by_its_address(start: Callable[..., Any], tmp_path: Path) -> None:
    for source in CONTRACT.iterdir():
        (tmp_path / source.name).write_text(source.read_text().replace("/RapidStartTables/", "/Elsewhere/"))
    found = TableClient(start(contracts=(tmp_path,), port="Elsewhere"))
    assert found.call("companies").status == 200


def test_the_command_offers_it_over_the_tables_of_a_package(process: Callable[..., Any], tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "Payment terms.csv").write_text("Code,Description\n0010,Ten days\n", encoding="utf-8")
    _, client = process("--contract", str(CONTRACT), "--tables-from", str(package))
    tables = TableClient(replace(client, port="RapidStartTables"))
    (described,) = objects(tables.call("describe"), "RapidStartTableInfo")
    assert (described["Label"], [f["Name"] for f in described["Fields"]]) == ("Payment terms", ["Code", "Description"])
    assert outcomes(tables.write("createRows", described["Name"], row(Code="0010", Description="Ten days"))) == ["Created"]
    assert client.rows("Payment terms") == [{"Code": "0010", "Description": "Ten days"}]
