"""WSDL and XSD as an IIS-hosted port publishes them; real contract folders served as they are."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import zeep
from lxml import etree

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"


def bind(client: Any, service: str) -> Any:
    soap = zeep.Client(f"{client.url}{client.path}?wsdl", settings=zeep.Settings(xml_huge_tree=True))
    return soap, soap.bind("RoutingService", f"BasicHttpBinding_{service}")


def header(company: str = "USMF", **more: str) -> dict[str, Any]:
    return {"context": {"Company": company, **more}}


def test_the_router_comes_first_and_imports_name_the_host_that_was_asked(client: Any) -> None:
    reply = client.http("GET", f"{client.path}?wsdl", headers={"Host": "aos.example:82"})
    ports = [port.get("name") for port in reply.xml.iter(f"{WSDL}port")]
    assert ports == ["serviceEndpoint", *(f"BasicHttpBinding_{t}Service" for t in ("PaymTerm", "CustGroup", "PurchTable"))]
    assert b"NegotiateAuthentication" in reply.body
    places = [element.get("location") for element in reply.xml.iter() if element.get("location")]
    assert {urlsplit(place)[:2] for place in places} == {("http", "aos.example:82")}


def test_every_import_is_served(client: Any) -> None:
    seen: set[str] = set()
    queue = ["wsdl"]
    while queue:
        query = queue.pop()
        page = client.http("GET", f"{client.path}?{query}").xml
        for element in page.iter(f"{WSDL}import", f"{XSD}import"):
            target = urlsplit(element.get("location") or element.get("schemaLocation")).query
            if target not in seen:
                seen.add(target)
                queue.append(target)
    assert {"wsdl=wsdl0", "wsdl=wsdl1", "xsd=xsd0"} <= seen


def test_zeep_calls_all_eight_operations(client: Any) -> None:
    _, port = bind(client, "PaymTermService")
    created = port.create({"PaymTerm": [{"class": "entity", "PaymTermId": "N030"}]}, _soapheaders=header())
    keys = {"EntityKey": [{"KeyData": {"KeyField": [{"Field": "PaymTermId", "Value": "N030"}]}}]}
    assert created[0].KeyData.KeyField[0].Value == "N030"
    read = port.read(keys, _soapheaders=header()).PaymTerm[0]
    assert read.RecVersion == 1
    row = {"class": "entity", "action": "update", "_DocumentHash": read["_DocumentHash"], "NumOfDays": 30, "PaymTermId": "N030"}
    port.update(keys, {"PaymTerm": [row]}, _soapheaders=header())
    element = {"DataSourceName": "PaymTerm", "FieldName": "NumOfDays", "Operator": "Equal", "Value1": "30"}
    criteria = {"_value_1": [{"CriteriaElement": element}]}
    assert port.find(criteria, _soapheaders=header()).PaymTerm[0].NumOfDays == 30
    assert len(port.findKeys(criteria, _soapheaders=header())) == 1
    assert port.getKeys({"PageSize": 5}, _soapheaders=header()).PageStatus == "Success"
    changed = port.getChangedKeys({"PageSize": 5}, "2014-01-01T00:00:00Z", _soapheaders=header())
    assert len(changed.EntityKeyList.EntityKey) == 1
    port.delete(keys, _soapheaders=header())
    assert client.rows("PaymTerm") == []


def test_zeep_reads_a_fault(client: Any) -> None:
    soap, port = bind(client, "CustGroupService")
    row = {"class": "entity", "CustGroup": "10", "PaymTermId": "N099"}
    with pytest.raises(zeep.exceptions.Fault) as caught:
        port.create({"CustGroup": [row]}, _soapheaders=header(MessageId="42c4b60d-4a09-54f3-9553-f9196e504187"))
    fault = soap.wsdl.types.deserialize(caught.value.detail[0])
    first = fault.FaultMessageListArray.FaultMessageList[0]
    assert (first.XPath, first.Field, fault.XppExceptionType) == ("/RsCustGroup/CustGroup[1]", "PaymTermId", 3)
    assert fault.InfologMessageList.InfologMessage[0].InfologMessageType == "Error"


def schema_of(client: Any, namespace: str) -> etree.XMLSchema:
    """The schema of a namespace, as a client gets it by following imports."""
    service = client.http("GET", f"{client.path}?wsdl=wsdl1")
    if b"portType" not in service.body or b"IRequestReplyRouter" in service.body:
        service = client.http("GET", f"{client.path}?wsdl=wsdl0")
    place = next(e.get("schemaLocation") for e in service.xml.iter(f"{XSD}import") if e.get("namespace") == namespace)

    class Fetch(etree.Resolver):
        def resolve(self, url: str, pubid: str, context: Any) -> Any:
            parts = urlsplit(url)
            return self.resolve_string(client.http("GET", f"{parts.path}?{parts.query}").body, context)

    parser = etree.XMLParser()
    parser.resolvers.add(Fetch())
    parts = urlsplit(place)
    return etree.XMLSchema(etree.fromstring(client.http("GET", f"{parts.path}?{parts.query}").body, parser))


def test_what_is_read_is_valid_by_the_ports_own_schema(client: Any, record: Callable[..., str]) -> None:
    lines = record("PurchLine", LineNum="1", Qty="0") + record("PurchLine", LineNum="2", ItemId="A")
    client.create("PurchTable", record("PurchTable", lines, PurchId="P1"), document="PurchaseOrders")
    namespace = "http://schemas.microsoft.com/dynamics/2008/01/documents/PurchaseOrders"
    reply = client.read("PurchTable", {"PurchId": "P1"})
    schema_of(client, namespace).assertValid(next(reply.xml.iter(f"{{{namespace}}}PurchaseOrders")))
    faults = client.read("PurchTable", {"PurchId": "P9"}).xml
    fault_namespace = "http://schemas.microsoft.com/dynamics/2008/01/documents/Fault"
    schema_of(client, fault_namespace).assertValid(next(faults.iter(f"{{{fault_namespace}}}AifFault")))


FOLDERS = {
    "UploadInventService": ("TecInventService", "TEC_STG_InventService", 8),
    "UploadCustomerService": ("QTQCustService", "QTQ_STG_CustomerService", 4),
    "UploadPurchOrderService": ("TECPurchOrderService", "TEC_STG_PurchOrderService", 8),
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_real_contract_is_served_as_it_is(start: Callable[..., Any], shared: Path, folder: str) -> None:
    port, service, operations = FOLDERS[folder]
    client = start(contracts=(shared / "contracts" / folder,), port=port)
    soap, bound = bind(client, service)
    assert len(list(bound._binding.all())) == operations
    assert {urlsplit(p.binding_options["address"])[:3] for p in soap.wsdl.services["RoutingService"].ports.values()} == {
        ("http", urlsplit(client.url).netloc, client.path)
    }


def test_the_examples_are_answered(start: Callable[..., Any], shared: Path) -> None:
    client = start(
        contracts=(shared / "contracts/UploadInventService",), keys={"TEC_STG_InventTable": ("ItemId",)}, port="TecInventService"
    )

    def send(operation: str, **replaced: str) -> Any:
        body = (shared / f"examples/{operation}_request.xml").read_text()
        for old, new in replaced.items():
            body = body.replace(old, new)
        return client.post(body.encode(), f"http://tempuri.org/TEC_STG_InventService/{operation}")

    created = send("create")
    assert created.keys == [{"ItemId": "C-0001"}, {"ItemId": "C-0002"}]
    expected = etree.parse(shared / "examples/create_response.xml")
    assert etree.tostring(etree.fromstring(created.body), method="c14n2", strip_text=True) == etree.tostring(
        expected, method="c14n2", strip_text=True
    )
    assert len(send("getKeys").keys) == 2
    read = send("read").records("TEC_STG_InventTable")[0]
    assert read["Description_2"] == "composed sample"
    stale = send("update")
    assert stale.messages == ["The document has changed since it was read."]
    assert send("update", **{"0d6f0000000000000000000000000000": read["_DocumentHash"]}).status == 200
    assert len(send("find").records("TEC_STG_InventTable")) == 2
    assert send("delete").status == 200
    assert send("delete").all("f:Code") == ["DuplicateMessage"]
    assert [row["ItemId"] for row in client.sim("records", table="TEC_STG_InventTable")["records"]] == ["C-0002"]


def test_without_a_key_records_of_a_contract_are_told_apart_by_recid(start: Callable[..., Any], shared: Path) -> None:
    client = start(contracts=(shared / "contracts/UploadCustomerService",), port="QTQCustService")
    _, port = bind(client, "QTQ_STG_CustomerService")
    row = {"class": "entity", "AccountNum": "1", "ProcessedTime": "12:30:00", "CreditMax": "5.5", "Blocked": "No"}
    keys = port.create({"STG_CustTable": [row, row]}, _soapheaders=header())
    fields = [key.KeyData.KeyField[0] for key in keys]
    assert [field.Field for field in fields] == ["RecId", "RecId"]
    assert fields[0].Value != fields[1].Value
    read = port.read({"EntityKey": keys}, _soapheaders=header()).STG_CustTable
    assert [str(found.RecId) for found in read] == [field.Value for field in fields]
    assert client.rows("STG_CustTable")[0] == {
        "AccountNum": "1",
        "ProcessedTime": "12:30:00",
        "CreditMax": "5.5",
        "Blocked": "No",
    }


def test_header_and_lines_of_a_real_contract(start: Callable[..., Any], shared: Path) -> None:
    client = start(contracts=(shared / "contracts/UploadPurchOrderService",), port="TECPurchOrderService")
    _, port = bind(client, "TEC_STG_PurchOrderService")
    dimension = {"Values": {"Value": [{"Name": "Department", "Value": "025"}]}}
    lines = [{"class": "entity", "Itemid": "A", "LineNum": 1}, {"class": "entity", "Itemid": "B", "LineNum": 2}]
    row = {"class": "entity", "PurchID": "P1", "DefaultDimension": dimension, "TEC_STG_PurchLine": lines}
    keys = port.create({"TEC_STG_PurchTable": [row]}, _soapheaders=header())
    read = port.read({"EntityKey": keys}, _soapheaders=header()).TEC_STG_PurchTable[0]
    assert [line.Itemid for line in read.TEC_STG_PurchLine] == ["A", "B"]
    assert read.DefaultDimension.Values.Value[0].Value == "025"
    rec_id = keys[0].KeyData.KeyField[0].Value
    assert client.rows("TEC_STG_PurchLine")[1]["_parent"] == {"RecId": rec_id}


def in_one_file(folder: Path) -> bytes:
    """A contract as `?singleWsdl` shows it: schemas inline, one namespace told in two of them."""
    schemas = []
    for path in folder.glob("*.xsd"):
        text = re.sub(r"<\?xml.*?\?>|schemaLocation=\"[^\"]*\"", "", path.read_text())
        text = text.replace(' xmlns:xs="http://www.w3.org/2001/XMLSchema"', "")
        if 'targetNamespace="http://tempuri.org"' in text:
            head, *elements = re.split(r"(?=^  <xs:element )", text.replace("</xs:schema>", ""), flags=re.MULTILINE)
            schemas.append(f"{head}{''.join(elements[:6])}</xs:schema>")
            text = f"{head}{''.join(elements[6:])}</xs:schema>"
        schemas.append(text)
    root = re.sub(r"<wsdl:import [^>]*>", "", (folder / "RoutingService.wsdl").read_text())
    root = root.replace("<wsdl:definitions ", '<wsdl:definitions xmlns:xs="http://www.w3.org/2001/XMLSchema" ')
    return root.replace("<wsdl:types/>", f"<wsdl:types>{''.join(schemas)}</wsdl:types>").encode()


def test_a_contract_in_one_file(start: Callable[..., Any], shared: Path, tmp_path: Path) -> None:
    (tmp_path / "single.wsdl").write_bytes(in_one_file(shared / "contracts/UploadInventService"))
    client = start(contracts=(tmp_path,), keys={"TEC_STG_InventTable": ("ItemId",)}, port="TecInventService")
    for operation in ("create", "find", "read", "delete"):
        body = (shared / f"examples/{operation}_request.xml").read_bytes()
        reply = client.post(body, f"http://tempuri.org/TEC_STG_InventService/{operation}")
        assert reply.status == 200, reply.messages
    bad = (
        (shared / "examples/create_request.xml")
        .read_bytes()
        .replace(b"Description_2", b"Description_9")
        .replace(b"42c4", b"42c5")
    )
    refused = client.post(bad, "http://tempuri.org/TEC_STG_InventService/create")
    assert "invalid child element 'Description_9'" in refused.messages[0]
