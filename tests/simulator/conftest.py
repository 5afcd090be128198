"""A simulator in a thread, and a client that writes its envelopes by hand: nothing of the product takes part."""

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from lxml import etree

from tests.simulator.table_client import ACCOUNTS, CONTRACT, TableClient, row
from workers.simulator import Options, server

NS = {
    "s": "http://schemas.xmlsoap.org/soap/envelope/",
    "f": "http://schemas.microsoft.com/dynamics/2008/01/documents/Fault",
    "a": "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services",
    "l": "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList",
    "k": "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey",
    "q": "http://schemas.microsoft.com/dynamics/2006/02/documents/QueryCriteria",
    "p": "http://schemas.microsoft.com/dynamics/2011/02/documents/DocumentPaging",
    "g": "http://schemas.microsoft.com/dynamics/2011/02/documents/EntityKeyPage",
    "c": "http://schemas.microsoft.com/dynamics/2010/01/datacontracts",
}
SERVICES = "http://schemas.microsoft.com/dynamics/2008/01/services"
DEFINITION = """
port = "Setup"

[[table]]
name = "PaymTerm"
label = "Terms of payment"
key = ["PaymTermId"]
[table.fields]
PaymTermId = { length = 10, mandatory = true }
Description = { length = 60 }
NumOfDays = { type = "integer" }

[[table]]
name = "CustGroup"
label = "Customer groups"
key = ["CustGroup"]
[table.fields]
CustGroup = { length = 10, mandatory = true }
Name = { length = 20 }
PaymTermId = { length = 10, references = "PaymTerm" }
Blocked = { symbols = ["No", "Invoice", "All"] }
Limit = { type = "decimal" }
Opened = { type = "date" }

[[table]]
name = "PurchTable"
document = "PurchaseOrders"
label = "Purchase orders"
key = ["PurchId"]
[table.fields]
PurchId = { length = 20, mandatory = true }
Remarks = { length = 60 }
[[table.lines]]
name = "PurchLine"
label = "Purchase order lines"
key = ["PurchId", "LineNum"]
[table.lines.fields]
PurchId = { length = 20 }
LineNum = { type = "integer", mandatory = true }
ItemId = { length = 20 }
Qty = { type = "decimal" }
"""


def shared() -> Path:
    """The folder of real contracts and examples, or skip."""
    folder = Path(os.environ.get("RAPIDSTART_SHARED", Path(__file__).parents[3] / "shared")) / "ax2012"
    if not (folder / "contracts").is_dir():
        pytest.skip("the real AX 2012 contracts are not on this machine")
    return folder


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    @property
    def xml(self) -> Any:
        return etree.fromstring(self.body)

    def all(self, path: str) -> list[str]:
        return [found.text or "" for found in self.xml.iterfind(f".//{path}", NS)]

    @property
    def keys(self) -> list[dict[str, str]]:
        return [
            {
                part.findtext("k:Field", None, NS): part.findtext("k:Value", None, NS)
                for part in key.iter(f"{{{NS['k']}}}KeyField")
            }
            for key in self.xml.iter(f"{{{NS['k']}}}EntityKey")
        ]

    def records(self, table: str) -> list[dict[str, str]]:
        """The flat fields of every record of a table."""
        found = [element for element in self.xml.iter("{*}" + table) if element.get("class") == "entity"]
        return [{etree.QName(c).localname: c.text or "" for c in element if len(c) == 0} for element in found]

    @property
    def messages(self) -> list[str]:
        return self.all("f:Message")


@dataclass(frozen=True)
class Client:
    url: str
    port: str = "Setup"

    def http(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, answer.read())
        finally:
            connection.close()

    @property
    def path(self) -> str:
        return f"/MicrosoftDynamicsAXAif60/{self.port}/xppservice.svc"

    def post(self, body: bytes, action: str) -> Reply:
        return self.http("POST", self.path, body, {"SOAPAction": f'"{action}"', "Content-Type": "text/xml; charset=utf-8"})

    def call(
        self, table: str, operation: str, inner: str, *, company: str | None = "USMF", message_id: str | None = None
    ) -> Reply:
        return self.post(
            envelope(table, operation, inner, company=company, message_id=message_id), f"{SERVICES}/{table}Service/{operation}"
        )

    def create(self, table: str, records: str, *, document: str = "", **context: Any) -> Reply:
        return self.call(table, "create", document_of(table, records, document), **context)

    def update(self, table: str, keys: list[dict[str, str]], records: str, *, document: str = "", **context: Any) -> Reply:
        return self.call(table, "update", key_list(keys) + document_of(table, records, document), **context)

    def read(self, table: str, *keys: dict[str, str], **context: Any) -> Reply:
        return self.call(table, "read", key_list(list(keys)), **context)

    def find(self, table: str, *criteria: tuple[str, ...], keys: bool = False, **context: Any) -> Reply:
        return self.call(table, "findKeys" if keys else "find", query(*criteria), **context)

    def sim(self, path: str, **query: str) -> Any:
        return json.loads(self.http("GET", f"/_sim/{path}?{urlencode(query)}").body)

    def rows(self, table: str, company: str = "USMF") -> list[dict[str, Any]]:
        return self.sim("records", table=table, company=company)["records"]


def envelope(table: str, operation: str, inner: str, *, company: str | None, message_id: str | None) -> bytes:
    context = (f"<c:Company>{company}</c:Company>" if company else "") + (
        f"<c:MessageId>{message_id}</c:MessageId>" if message_id else ""
    )
    name = f"{table}Service{operation[0].upper()}{operation[1:]}Request"
    return (
        f'<s:Envelope xmlns:s="{NS["s"]}" xmlns:c="{NS["c"]}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<s:Header><c:CallContext>{context}</c:CallContext></s:Header>"
        f'<s:Body><{name} xmlns="{SERVICES}">{inner}</{name}></s:Body></s:Envelope>'
    ).encode()


def document_of(table: str, records: str, document: str = "") -> str:
    name = document or f"Rs{table}"
    return f'<{name} xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/{name}">{records}</{name}>'


def record(table: str, inner: str = "", action: str | None = None, **fields: str) -> str:
    """A record with its fields in alphabetical order, then `inner` (nested records)."""
    values = "".join(f"<{name}>{fields[name]}</{name}>" for name in sorted(fields, key=str.casefold))
    chosen = f' action="{action}"' if action else ""
    return f'<{table} class="entity"{chosen}>{values}{inner}</{table}>'


def key_list(keys: list[dict[str, str]]) -> str:
    inner = "".join(
        "<k:EntityKey><k:KeyData>"
        + "".join(f"<k:KeyField><k:Field>{f}</k:Field><k:Value>{v}</k:Value></k:KeyField>" for f, v in key.items())
        + "</k:KeyData></k:EntityKey>"
        for key in keys
    )
    return f'<l:EntityKeyList xmlns:l="{NS["l"]}" xmlns:k="{NS["k"]}">{inner}</l:EntityKeyList>'


def query(*criteria: tuple[str, ...]) -> str:
    names = ("DataSourceName", "FieldName", "Operator", "Value1", "Value2")
    inner = "".join(
        "<CriteriaElement>" + "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, one, strict=False)) + "</CriteriaElement>"
        for one in criteria
    )
    return f'<QueryCriteria xmlns="{NS["q"]}">{inner}</QueryCriteria>'


@pytest.fixture(name="record")
def _record() -> Callable[..., str]:
    return record


@pytest.fixture(name="key_list")
def _key_list() -> Callable[..., str]:
    return key_list


@pytest.fixture(name="envelope")
def _envelope() -> Callable[..., bytes]:
    return envelope


@pytest.fixture(name="document_of")
def _document_of() -> Callable[..., str]:
    return document_of


@pytest.fixture
def process() -> Iterator[Callable[..., tuple[subprocess.Popen[str], Client]]]:
    """Start simulators as processes of their own; those that still live are killed with the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> tuple[subprocess.Popen[str], Client]:
        command = [sys.executable, "-m", "workers.simulator", "--json", *options]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        running.append(child)
        assert child.stdout is not None
        return child, Client(json.loads(child.stdout.readline())["url"])

    yield begin
    for child in running:
        child.kill()
        child.communicate()


@pytest.fixture(name="shared")
def _shared() -> Path:
    return shared()


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Start simulators; they end with the test."""
    running = []

    def begin(*, port: str = "Setup", **options: Any) -> Client:
        listening = server(Options(**options), host="127.0.0.1", port=0)
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((listening, thread))
        return Client(listening.url, port)

    yield begin
    for listening, thread in running:
        listening.shutdown()
        listening.server_close()
        thread.join()


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    path = tmp_path / "tables.toml"
    path.write_text(DEFINITION, encoding="utf-8")
    return path


@pytest.fixture
def client(start: Callable[..., Client], definition: Path) -> Client:
    return start(tables=(definition,))


@pytest.fixture
def tables(start: Callable[..., Any], definition: Path) -> TableClient:
    return TableClient(start(tables=(definition,), contracts=(CONTRACT,), port="RapidStartTables"))


@pytest.fixture
def accounts(start: Callable[..., Any], tmp_path: Path) -> TableClient:
    path = tmp_path / "accounts.toml"
    path.write_text(ACCOUNTS, encoding="utf-8")
    found = TableClient(start(tables=(path,), contracts=(CONTRACT,), port="RapidStartTables"))
    assert [r["Outcome"] for r in found.write("createRows", "Chart", row(Name="Shared"), row(Name="Other"))] == ["Created"] * 2
    return found
