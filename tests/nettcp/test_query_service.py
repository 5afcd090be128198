"""The query service against WCF, whose System.Data writes the DataSets; requests against AX's own schemas."""

import base64
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from tests.nettcp.conftest import Systems
from tests.nettcp.guarded import guarding
from tests.nettcp.scripted import listening
from workers import aos
from workers.aos import queries
from workers.aos.queries import Built, ByPosition, ByValue, Dynamic, Range, Static
from workers.aos.queryservice import QueryService, query_service
from workers.aos.transport import Transport
from workers.errors import GiveUp, WorkerError

Invalid = Callable[[str], list[str]]

ROOT = Path(__file__).parents[2]
CONTRACTS = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "ax2012" / "contracts"
COLUMNS = {
    "CustGroup": "String",
    "Name": "String",
    "Two_words": "String",
    "RecId": "Int64",
    "Blocked": "Byte",
    "Amount": "Decimal",
    "Opened": "DateTime",
    "Picture": "Byte[]",
    "Id": "Guid",
}
GUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
ROWS = [
    ["10", "Größe 漢字 <&> 😀", "a b", "1", "0", "1.50", "2012-02-29T13:30:00", base64.b64encode(b"\0\xff").decode(), GUID],
    ["20", "", None, "2", None, None, None, None, None],
    ["30", None, "", "3", "1", "0.00", "1900-01-01T00:00:00", "", GUID],
]

ANY = queries.content(Built(table="CustGroup")) + queries.paging(ByPosition(), 10)


def service(systems: Systems) -> QueryService:
    found = query_service(Transport([systems.address]), systems.address)
    assert found is not None
    return found


def test_rows_come_as_the_dataset_means_them(systems: Systems):
    systems.table("CustGroup", COLUMNS, ROWS)
    first, second, third = service(systems).rows(Built(table="CustGroup"))
    assert first == {
        "CustGroup": "10",
        "Name": "Größe 漢字 <&> 😀",
        "Two words": "a b",
        "RecId": "1",
        "Blocked": "0",
        "Amount": "1.50",
        "Opened": "2012-02-29T13:30:00",
        "Picture": "AP8=",
        "Id": GUID,
    }
    assert [name for name, text in second.items() if text is None] == [
        "Two words", "Blocked", "Amount", "Opened", "Picture", "Id",
    ]  # fmt: skip
    assert "+09:00" in etree.tostring(service(systems)._service.ask("ExecuteQuery", ANY)).decode()
    assert (second["Name"], third["Name"], third["Two words"], third["Picture"]) == ("", None, "", "")


@pytest.mark.parametrize("paging", [ByPosition(), ByValue()])
@pytest.mark.parametrize("page_rows", [1, 2, 3, 100])
def test_pages_follow_each_other_to_the_end(systems: Systems, paging: queries.Paging, page_rows: int):
    systems.table("CustGroup", {"RecId": "Int64"}, [[str(number)] for number in range(1, 8)])
    found = list(service(systems).rows(Static("CustGroup"), paging=paging, page_rows=page_rows))
    assert [row["RecId"] for row in found] == [str(number) for number in range(1, 8)]


def test_a_table_without_rows_brings_none(systems: Systems):
    systems.table("CustGroup", COLUMNS, [])
    assert list(service(systems).rows(Built(table="CustGroup"))) == []


def test_ranges_and_fields_narrow_what_is_read(systems: Systems):
    names = ["a", 'b"c', "d\\e", "f,g", "h..i", "k*"]
    systems.table("T", {"Key": "String", "RecId": "Int64", "Other": "String"}, [[n, str(i), "x"] for i, n in enumerate(names)])
    wanted = ['b"c', "d\\e", "f,g", "h..i"]
    query = Built(table="T", fields=("Key", "RecId"), ranges=(Range(field="Key", values=wanted),), company="USMF")
    assert [row["Key"] for row in service(systems).rows(query)] == wanted
    (_, request), *_ = systems.calls
    assert ">USMF<" in request
    between = Built(table="T", fields=("RecId",), ranges=(Range(field="Key", low="d", high="i"),))
    assert list(service(systems).rows(between)) == [{"RecId": "2"}, {"RecId": "3"}, {"RecId": "4"}]


def test_rows_are_counted_up_to_a_limit(systems: Systems):
    systems.table("T", {"RecId": "Int64"}, [[str(number)] for number in range(30)])
    asked = service(systems)
    assert [asked.count(query, most=100) for query in (Static("T"), Dynamic("T"), Built(table="T"))] == [30, 30, 30]
    assert asked.count(Static("T"), most=7) == 7


def test_a_table_that_the_account_may_not_read_is_told(systems: Systems):
    with pytest.raises(GiveUp, match="does not let this worker's account read the table Secret") as told:
        list(service(systems).rows(Built(table="Secret")))
    assert "view the table" in told.value.advice


def test_rows_come_over_a_wrapped_stream_too(systems: Systems, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    systems.table("T", {"RecId": "Int64", "Text": "String"}, [[str(n), "漢字" * 200] for n in range(500)])
    (tmp_path / "accounts").write_text("CONTOSO:loader:secret\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    seen: list[str] = []
    behind = urlsplit(systems.origin).port or 0
    with listening(guarding(behind, seen=seen)) as guard:
        credentials = aos.Credentials(user=r"CONTOSO\loader", password="secret")
        transport = Transport([guard.address], credentials=credentials, target_name=aos.TargetName.NTLM)
        asked = query_service(transport, guard.address)
        assert asked is not None
        assert [row["RecId"] for row in asked.rows(Built(table="T"), page_rows=300)] == [str(number) for number in range(500)]
    assert seen == [r"CONTOSO\loader by ntlm"] * 3  # a streamed call has a connection of its own


def test_without_a_query_service_the_sentence_names_it(systems: Systems):
    systems.refuses("ExecuteQuery", "The service is being started.")
    with pytest.raises(WorkerError, match="The service is being started"):
        list(service(systems).rows(Built(table="T")))
    missing = QueryService(Transport([systems.address]), f"{systems.origin}/DynamicsAx/Services/Elsewhere")
    with pytest.raises(GiveUp, match="no service at"):
        list(missing.rows(Built(table="T")))


def test_beside_a_port_on_http_there_is_none():
    assert query_service(Transport(), "http://aos/MicrosoftDynamicsAXAif60/Port/xppservice.svc") is None


@pytest.mark.slow
def test_more_rows_than_ax_hands_out_at_once(systems: Systems):
    texts = ["", None, "漢字", "x" * 40]
    systems.table("T", {"RecId": "Int64", "Text": "String"}, [[str(n), texts[n % 4]] for n in range(60_000)])
    asked = service(systems)
    for paging in (ByPosition(), ByValue()):
        found = list(asked.rows(Built(table="T"), paging=paging, page_rows=1_000_000))
        assert [row["RecId"] for row in found] == [str(number) for number in range(60_000)]
        assert [row["Text"] for row in found[:4]] == texts


def test_a_page_that_is_larger_than_an_answer_may_be_is_halved(systems: Systems):
    systems.table("T", {"RecId": "Int64", "Text": "String"}, [[str(n), "x" * 1_000] for n in range(100)])
    asked = query_service(Transport([systems.address], max_answer=40_000), systems.address)
    assert asked is not None
    assert [row["RecId"] for row in asked.rows(Built(table="T"), page_rows=100)] == [str(number) for number in range(100)]


@pytest.fixture(scope="module")
def invalid(tmp_path_factory: pytest.TempPathFactory) -> Invalid:
    """What AX's own schema finds wrong with an element. Where it says "a schema" any element may stand: lxml knows no better."""
    if not (CONTRACTS / "QueryService").is_dir():
        pytest.skip(f"the contracts of AX' own services are not in {CONTRACTS}; RAPIDSTART_SHARED names another place")
    folder = tmp_path_factory.mktemp("query_service")
    for file in (CONTRACTS / "QueryService").glob("*.xsd"):
        text = file.read_text(encoding="utf-8-sig").replace('<xs:element ref="xs:schema"/>', '<xs:any processContents="skip"/>')
        (folder / file.name).write_text(text.replace("<xs:any/>", '<xs:any processContents="skip"/>'), encoding="utf-8")
    imports = [("http://tempuri.org/", 4), ("http://schemas.datacontract.org/2004/07/XppClasses", 3)]
    both = "".join(f'<xs:import namespace="{name}" schemaLocation="QueryService{number}.xsd"/>' for name, number in imports)
    (folder / "all.xsd").write_text(f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{both}</xs:schema>')
    schema = etree.XMLSchema(file=str(folder / "all.xsd"))

    def problems(element: str) -> list[str]:
        schema.validate(etree.fromstring(element))
        return [str(error.message) for error in schema.error_log]

    return problems


@pytest.mark.parametrize(
    "query",
    [
        Static("CustTable"),
        Dynamic("MyBuilder"),
        Dynamic("B", "CustAccountQueryBuilderArgs", {"parmCustName": "<&>", "parmCompany": "USMF"}),
        Built(table="CustGroup"),
        Built(
            table="CustGroup",
            fields=("CustGroup", "Name", "RecId"),
            ranges=(Range(field="CustGroup", values=('a"&<', "b")), Range(field="RecId", low="1", high="9")),
            order=("CustGroup", "RecId"),
            company="USMF",
        ),
    ],
)
@pytest.mark.parametrize("paging", [ByPosition(7), ByValue(), ByValue("AAEC")])
def test_requests_fit_the_schemas_of_ax(invalid: Invalid, query: queries.Query, paging: queries.Paging):
    def request(operation: str, content: str) -> list[str]:
        return invalid(f'<{operation} xmlns="http://tempuri.org/">{content}</{operation}>')

    kind, content = queries.operation(query), queries.content(query)
    assert request(f"Execute{kind}Query", content + queries.paging(paging, 10)) == []
    assert request(f"Get{kind}QueryRowCount", f"{content}<rowCountLimit>10</rowCountLimit>") == []
    assert request(f"Execute{kind}Query", queries.paging(paging, 10) + content) != []


def test_what_the_peer_answers_fits_them_too(systems: Systems, invalid: Invalid):
    systems.table("CustGroup", COLUMNS, ROWS)
    asked = service(systems)._service
    for paging in (ByPosition(), ByValue()):
        content = queries.content(Built(table="CustGroup")) + queries.paging(paging, 2)
        assert invalid(etree.tostring(asked.ask("ExecuteQuery", content), encoding="unicode")) == []
