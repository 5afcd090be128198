"""The connection test: a line for each thing that must work, in order, and what to do where it does not."""

import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connector.wire.reports import Check
from tests.aos.peer import Iis, peer
from workers import aos
from workers.aos import asking, reaching
from workers.aos.door import Door
from workers.aos.port import Port
from workers.aos.transport import Transport
from workers.errors import Refusal

Simulate = Callable[..., str]
TABLES = """
port = "Setup"
[[table]]
name = "CustGroup"
key = ["CustGroup"]
[table.fields]
CustGroup = { length = 10, mandatory = true }
"""
WAY = [("Name", True), ("Port", True), ("TLS", True), ("HTTP", True), ("Account", True)]


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("definition") / "tables.toml"
    file.write_text(TABLES)
    return file


@pytest.fixture(scope="module")
def url(simulate: Simulate, definition: Path) -> str:
    return simulate("--tables", str(definition), "--company", "USMF")


def address(url: str, port: str = "Setup") -> str:
    return f"{url}/MicrosoftDynamicsAXAif60/{port}/xppservice.svc"


def told(checks: list[Check]) -> list[tuple[str, bool]]:
    return [(check.name, check.ok) for check in checks]


def stats(url: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{url}/_sim/stats", timeout=10) as answer:
        return json.load(answer)


@contextmanager
def site(status: int, headers: dict[str, str]) -> Iterator[str]:
    """A web site that gives every GET the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/Setup/xppservice.svc"
        server.shutdown()
        thread.join(5)


def test_all_is_well(url: str) -> None:
    checks = aos.check(aos.Door(), [address(url)], aos.Scope(companies=["USMF"]))
    assert told(checks) == [
        *WAY,
        ("Port Setup, contract", True),
        ("Port Setup, AX user", True),
        ("Port Setup, WS-Addressing", True),
        ("Port Setup, company USMF", True),
        ("Port Setup, reasons in faults", True),
        ("Port Setup, CustGroupService, duplicate check", True),
    ]
    said = {check.name: check.detail for check in checks}
    assert "CustGroupService (create" in said["Port Setup, contract"]
    assert "takes effect once" in said["Port Setup, CustGroupService, duplicate check"]


def test_a_test_changes_no_record(url: str) -> None:
    before = stats(url)
    aos.check(aos.Door(), [address(url)], aos.Scope(companies=["USMF"]))
    after = stats(url)
    assert [after[name] - before[name] for name in ("rows_created", "rows_updated", "duplicates_refused")] == [0, 0, 1]


def test_a_port_that_keeps_its_reasons_is_told_so(simulate: Simulate, definition: Path) -> None:
    url = simulate("--tables", str(definition), "--company", "USMF", "--no-fault-detail")
    checks = {check.name: check for check in aos.check(aos.Door(), [address(url)], aos.Scope(companies=["USMF"]))}
    assert [name for name, check in checks.items() if not check.ok] == ["Port Setup, reasons in faults"]
    assert "Include exceptions in fault" in checks["Port Setup, reasons in faults"].advice
    assert checks["Port Setup, CustGroupService, duplicate check"].ok


def test_companies_and_ports_are_told_apart_and_a_web_site_is_gone_to_once(url: str) -> None:
    addresses = [address(url), address(url, "Nowhere")]
    checks = aos.check(aos.Door(), addresses, aos.Scope(companies=["XX99", "USMF"], partition="initial"))
    assert [entry for entry in told(checks) if entry in WAY] == WAY
    bad = {check.name: check for check in checks if not check.ok}
    assert list(bad) == ["Port Setup, company XX99, partition initial", "Port Nowhere, contract"]
    assert "XX99" in bad["Port Setup, company XX99, partition initial"].detail
    assert "404" in bad["Port Nowhere, contract"].detail
    assert all(check.advice for check in bad.values())
    assert ("Port Setup, company USMF, partition initial", True) in told(checks)


def test_without_a_company_ax_is_asked_nothing(url: str) -> None:
    before = stats(url)["calls"]
    checks = aos.check(aos.Door(), [address(url)])
    assert told(checks)[len(WAY) :] == [("Port Setup, contract", True), ("Port Setup, AX user", True)]
    assert "no company is named" in checks[-1].detail
    assert stats(url)["calls"] == before


def test_a_company_is_tried_also_where_no_field_has_a_length(simulate: Simulate, tmp_path: Path) -> None:
    package = tmp_path / "Colours.csv"
    package.write_text("Code,Name\n1,red\n", encoding="utf-8")
    url = simulate("--tables-from", str(package))
    checks = aos.check(aos.Door(), [address(url, "RapidStart")], aos.Scope(companies=["USMF", "XX99"]))
    assert ("Port RapidStart, company USMF", True) in told(checks)
    assert ("Port RapidStart, company XX99", False) in told(checks)


@pytest.mark.parametrize(
    ("bad", "step", "word"),
    [
        ("ftp://aos01/Setup/xppservice.svc", "Address", "not an HTTP address"),
        ("net.tcp://no-such-name.invalid:8201/DynamicsAx/Services/G", "Name", "cannot be resolved"),
        ("http://no-such-name.invalid/Setup/xppservice.svc", "Name", "cannot be resolved"),
    ],
)
def test_the_way_ends_where_it_ends(bad: str, step: str, word: str) -> None:
    checks = aos.check(aos.Door(), [bad], aos.Scope(companies=["USMF"]))
    assert told(checks) == [(step, False)]
    assert word in checks[0].detail
    assert checks[0].advice


def test_an_origin_that_the_worker_is_not_configured_for_is_not_gone_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        checks = aos.check(aos.Door(["http://aos01"]), [f"http://127.0.0.1:{listener.getsockname()[1]}/S/xppservice.svc"])
        with pytest.raises(TimeoutError):
            listener.accept()
    assert told(checks) == [("Address", False)]


def test_a_closed_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    checks = aos.check(aos.Door(), [f"http://127.0.0.1:{free}/S/xppservice.svc"])
    assert told(checks) == [("Name", True), ("Port", False)]
    assert f"Port {free} of 127.0.0.1" in checks[1].detail
    assert "firewall" in checks[1].advice


def test_what_asks_for_an_account_says_which_schemes() -> None:
    with site(401, {"WWW-Authenticate": "Negotiate, NTLM"}) as place:
        checks = aos.check(aos.Door(), [place], aos.Scope(companies=["USMF"]))
    assert told(checks) == [*WAY[:-1], ("Account", False)]
    assert "asks for NTLM, Negotiate" in checks[-1].detail
    assert "RAPIDSTART_AOS_AUTHENTICATION" in checks[-1].advice


def test_an_account_that_is_let_in_is_told_with_its_schemes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").write_text("CONTOSO:loader:Secret1\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    for password, ok, word in [
        ("Secret1", True, "asks for NTLM, and lets this worker"),
        ("wrong", False, "refuses this worker's"),
    ]:
        with peer(Iis("NTLM")) as server:
            credentials = aos.Credentials(user="CONTOSO\\loader", password=password)
            checks = list(reaching.checks(Transport([server.url], credentials=credentials), server.url))
        assert told(checks) == [*WAY[:-1], ("Account", ok)]
        assert word in checks[-1].detail
        assert ok or checks[-1].advice


def test_a_connection_that_was_let_in_before_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").write_text("CONTOSO:loader:Secret1\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    with peer(Iis("NTLM")) as server:
        transport = Transport([server.url], credentials=aos.Credentials(user="CONTOSO\\loader", password="Secret1"))
        transport.get(server.url)
        checks = list(reaching.checks(transport, server.url))
        transport.close()
    assert "asks for NTLM" in checks[-1].detail


def test_a_site_that_wants_https_or_forbids_says_so() -> None:
    with site(403, {}) as place:
        checks = aos.check(aos.Door(), [place])
    assert told(checks) == [*WAY[:-1], ("Account", False)]
    assert "HTTP 403" in checks[-1].detail


@pytest.mark.parametrize(("now", "told_of"), [(0.0, False), (299.0, False), (301.0, True), (-7200.0, True)])
def test_clocks_that_differ_are_told(now: float, told_of: bool) -> None:
    with site(200, {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}) as place:
        checks = list(reaching.checks(Transport(), place, clock=lambda: now))
    assert any(check.name == "Clock" and not check.ok for check in checks) is told_of


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Jan 1970"])
def test_a_date_that_cannot_be_read_is_no_matter(date: str) -> None:
    with site(200, {"Date": date}) as place:
        assert told(list(reaching.checks(Transport(), place))) == WAY


class Creates:
    """A port whose creates end one after the other as a list says."""

    def __init__(self, port: Port, ends: list[Refusal | None]) -> None:
        self._port, self._ends = port, ends
        self.service = port.service
        self.element = port.element
        self.invalid = port.invalid

    def create(self, *_: object, **__: object) -> list[aos.Key]:
        if (end := self._ends.pop(0)) is not None:
            raise end
        return []


@pytest.mark.parametrize(
    ("ends", "ok", "word"),
    [
        ([None, Refusal("x", duplicate=True)], True, "takes effect once"),
        ([None, Refusal("Anmodningen mislykkedes.")], True, "takes effect once"),
        ([Refusal("no records"), Refusal("x", duplicate=True)], True, "takes effect once"),
        ([None, None], False, "could count twice"),
        (
            [Refusal("no records"), Refusal("no records")],
            True,
            "cannot be told without writing: a document without records brings: no records",
        ),
    ],
)
def test_the_duplicate_check_is_told_by_a_create_of_nothing(url: str, ends: list[Refusal | None], ok: bool, word: str) -> None:
    door = Door()
    contract = door.contract(address(url))
    port = Port(door, contract, contract.services[0], company="USMF", language="en-us", partition=None)
    check = asking.repetition(Creates(port, list(ends)), name="n")  # type: ignore[arg-type]
    assert check.ok is ok
    assert word in check.detail
    assert ok or "EnableIdempotence" in check.advice
