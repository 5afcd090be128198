"""What a connection test says of the worker's account: the real contract of UserSessionService, and answers that fit it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connector.wire.metadata import Document, Service, Table
from connector.wire.reports import Check
from tests.aos.conformance.targets import CONTRACT as SCHEDULES
from tests.aos.conformance.targets import bound_to_tcp, zipped
from tests.nettcp.conftest import Systems
from tests.nettcp.sites import Site
from workers import aos
from workers.aos import account
from workers.aos.usersession import UserSession, open_session
from workers.enrol import finding, probing
from workers.settings import Settings

ROOT = Path(__file__).parents[2]
CONTRACT = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "ax2012" / "contracts" / "UserSessionService"
NAMESPACE = "http://schemas.microsoft.com/dynamics/2011/01/services"
DATA = "http://schemas.datacontract.org/2004/07/Dynamics.Ax.Application"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


class _Told(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = _file(urlsplit(self.path).path.rpartition("/")[2], whole=self.path.endswith("?wsdl"))
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def _file(name: str, *, whole: bool) -> bytes:
    """A file of the real contract, or of that of the payment schedules, which are the only port of this AOS."""
    if whole and name == "PaymentSchedules":
        name = "RoutingService.wsdl"
    own, ports = CONTRACT / (f"{name}.wsdl" if whole else name), SCHEDULES / name
    if ports.is_file():
        return bound_to_tcp(ports.read_text(encoding="utf-8"), streamed=False).encode()
    return own.read_bytes() if own.is_file() else b""


@pytest.fixture(scope="module")
def wsdl_port() -> Iterator[int]:
    if not CONTRACT.is_dir():
        pytest.skip(f"the contract of UserSessionService is not in {CONTRACT}; RAPIDSTART_SHARED names another place")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Told)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def told(systems: Systems, operation: str, content: str) -> None:
    """Lets an operation answer, with what the contract allows."""
    name = f"UserSessionService{operation}Response"
    body = f'<{name} xmlns="{NAMESPACE}">{content}</{name}>'
    (contract,) = aos.Door().contracts([systems.address], contract_zip=zipped(CONTRACT))
    assert contract.invalid_element(f"{{{NAMESPACE}}}{name}", body.encode()) == []
    systems.answers(operation, body)


def known(
    systems: Systems, *, administrator: str = "false", partitions: tuple[str, ...] = ("initial",), rights: str = ""
) -> None:
    """Lets AX know the account."""
    told(
        systems,
        "GetUserSessionInfo",
        f'<response xmlns:d="{DATA}"><d:AXLanguage>de</d:AXLanguage><d:Company>ceu</d:Company>'
        f"<d:IsSysAdmin>{administrator}</d:IsSysAdmin><d:UserId>Ж-loader</d:UserId></response>",
    )
    keys = "".join(f"<a:string>{key}</a:string>" for key in partitions)
    told(systems, "GetPartitionKeysForUser", f'<response xmlns:a="{ARRAYS}">{keys}</response>')
    told(systems, "GetPartitionKey", f"<response>{partitions[0]}</response>")
    told(systems, "IsSinglePartitionSystem", f"<response>{'true' if len(partitions) == 1 else 'false'}</response>")
    entries = "".join(f"<d:AccessRight>{right}</d:AccessRight>" for right in rights.split())
    told(systems, "GetAccessRights", f'<response xmlns:d="{DATA}">{entries}</response>')


def checked(systems: Systems, wsdl_port: int, *tables: str, partition: str | None = None) -> dict[str, Check]:
    address = f"{systems.address}?wsdl={wsdl_port}"
    document = Document(name="D", namespace="n", tables=tuple(Table(name=name, fields=()) for name in tables))
    service = Service(address=address, port="p", name="s", namespace="n", operations=("create",), document=document)
    with _closing(aos.Door([address])) as door:
        return {check.name: check for check in account.checks(door, address, [service], partition=partition)}


@contextmanager
def opened(systems: Systems, wsdl_port: int) -> Iterator[UserSession]:
    with _closing(aos.Door()) as door:
        found = open_session(door, f"{systems.address}?wsdl={wsdl_port}")
        assert found is not None
        yield found


@contextmanager
def _closing(door: aos.Door) -> Iterator[aos.Door]:
    """A service has room for few sessions at once."""
    try:
        yield door
    finally:
        door.transport.close()


def test_ax_says_whom_it_takes_the_account_for(systems: Systems, wsdl_port: int):
    known(systems)
    told = checked(systems, wsdl_port)
    assert all(check.ok for check in told.values())
    assert "as Ж-loader; its default company is ceu, its language de." in told["AX account"].detail
    assert "no system administrator" in told["System administrator"].detail
    assert "one partition: initial" in told["Partition"].detail
    asked = dict(systems.calls)
    assert "GetUserSessionInfo" in asked


def test_no_company_is_named_where_the_default_one_is_asked_for(systems: Systems, wsdl_port: int):
    known(systems)
    with opened(systems, wsdl_port) as session:
        session.session()
    assert "<Company" not in systems.header("GetUserSessionInfo")
    assert "en-us" in systems.header("GetUserSessionInfo")


def test_a_system_administrator_hears_that_less_would_do(systems: Systems, wsdl_port: int):
    known(systems, administrator="true")
    assert "loads need no such right" in checked(systems, wsdl_port)["System administrator"].detail


@pytest.mark.parametrize(("partition", "ok"), [("EXT", True), ("other", False)])
def test_the_endpoints_partition_must_be_one_of_the_accounts(systems: Systems, wsdl_port: int, partition: str, ok: bool):
    known(systems, partitions=("initial", "ext"))
    told = checked(systems, wsdl_port, partition=partition)["Partition"]
    assert (told.ok, bool(told.advice)) == (ok, not ok)
    assert ok or "initial, ext" in told.detail


def test_where_no_partition_is_named_the_one_that_ax_takes_is_told(systems: Systems, wsdl_port: int):
    known(systems, partitions=("initial", "ext"))
    assert "takes the account's own: initial. It may also enter initial, ext" in checked(systems, wsdl_port)["Partition"].detail


def test_rights_on_the_tables_of_the_ports_are_told(systems: Systems, wsdl_port: int):
    known(systems, rights="Delete View NoAccess Edit")
    told = checked(systems, wsdl_port, "CustGroup", "PaymTerm", "Secret", "Edited")["Rights on tables"]
    assert "add rows to CustGroup; change, but not add to Edited; only read PaymTerm; not see Secret." in told.detail
    assert "need a role" in told.detail
    (_, request), *_ = [call for call in systems.calls if call[0] == "GetAccessRights"]
    assert request.index(">CustGroup<") < request.index(">PaymTerm<")


def test_answers_that_no_table_can_be_given_are_no_rights(systems: Systems, wsdl_port: int):
    known(systems, rights="View")
    with opened(systems, wsdl_port) as session:
        assert session.rights(["A", "B"]) == {}
    assert not checked(systems, wsdl_port, "A", "B")["Rights on tables"].tried


def test_who_may_activate_ports_is_told(systems: Systems, wsdl_port: int):
    known(systems, rights="NoAccess")
    assert "may not activate" in checked(systems, wsdl_port)["Activating ports"].detail
    known(systems, rights="Delete")
    assert "may change and activate" in checked(systems, wsdl_port)["Activating ports"].detail


def test_whether_ax_exception_log_can_be_read_is_told(systems: Systems, wsdl_port: int):
    known(systems)
    lacking = checked(systems, wsdl_port)["AX's exception log"]
    assert (lacking.ok, lacking.tried) == (True, False)
    assert "read the table AifExceptionMap" in lacking.detail
    assert "right to view" in lacking.detail
    for table in ("AifExceptionMap", "SysExceptionTable"):
        systems.table(table, {"RecId": "Int64"}, [])
    assert checked(systems, wsdl_port)["AX's exception log"].tried


def test_an_account_that_ax_does_not_know_fails_with_what_to_do(systems: Systems, wsdl_port: int):
    systems.refuses("GetUserSessionInfo", "Access denied: the user is not authorized to log on to Microsoft Dynamics AX.")
    told = checked(systems, wsdl_port)
    assert list(told) == ["AX account"]
    assert (told["AX account"].ok, bool(told["AX account"].advice)) == (False, True), told


def test_what_cannot_be_asked_speaks_against_nothing(systems: Systems):
    told = checked(systems, 1)
    assert [(check.name, check.ok, check.tried) for check in told.values()] == [("AX account", True, False)]


def test_an_aos_behind_http_is_not_asked():
    assert list(account.checks(aos.Door(), "http://aos/MicrosoftDynamicsAXAif60/P/xppservice.svc", [], partition=None)) == []


@pytest.mark.parametrize(("partition", "wrong"), [(None, []), ("other", ["Partition"])])
def test_a_connection_test_over_net_tcp_holds_all_of_it(
    site: Site, systems: Systems, wsdl_port: int, partition: str | None, wrong: list[str]
):
    known(systems, partitions=("initial", "ext"))
    address = f"{site.address}?wsdl={wsdl_port}"
    with _closing(aos.Door([address])) as door:
        checks = aos.check(door, [address], aos.Scope(companies=["USMF"], partition=partition))
    assert [check.name for check in checks if not check.ok] == wrong
    names = [check.name for check in checks]
    assert names.index("Port PaymentSchedules, company USMF" + (f", partition {partition}" if partition else "")) < names.index(
        "AX account"
    )
    assert len(names) == len(set(names))


def registered(systems: Systems, wsdl_port: int) -> probing.Told:
    """What a registration is told of the companies of this AOS."""
    port = urlsplit(systems.address).port or 0
    asked = finding.find(
        "127.0.0.1", aos_instance=None, ports=("PaymentSchedules",), companies=(), partition="", installed=()
    )  # fmt: skip
    asked = finding.changed(asked, services_port=port, wsdl_port=wsdl_port)
    return probing.ask(asked, Settings(home=systems.folder))


def test_a_registration_is_told_companies_and_partition(systems: Systems, wsdl_port: int):
    known(systems, partitions=("initial", "ext"))
    columns = {"DataArea": "String", "RecId": "Int64"}
    systems.table("CompanyInfo", columns, [["usmf", "2"], ["ceu", "1"], [None, "3"]])
    told = registered(systems, wsdl_port)
    assert told.services.startswith("1 found in")
    assert (told.companies, told.of_companies) == (("CEU", "USMF"), "2, as AX lists them")
    assert (told.partition, told.of_partition) == ("initial", "that of the account, which may enter ext too")


def test_an_account_that_may_not_list_companies_is_told_its_own(systems: Systems, wsdl_port: int):
    known(systems)
    systems.refuses("ExecuteQuery", "no right")
    told = registered(systems, wsdl_port)
    assert (told.companies, told.partition) == (("CEU",), "initial")
    assert "does not let it list the others" in told.of_companies
    assert told.of_partition == "the only one for the account"


def test_an_aos_that_does_not_answer_fills_nothing_in(systems: Systems, wsdl_port: int):
    systems.refuses("GetUserSessionInfo", "no such user")
    told = registered(systems, wsdl_port)
    assert (told.companies, told.partition) == ((), "")
    assert told.of_companies.startswith("could not be asked: ")


def test_on_a_web_site_there_is_nobody_to_ask_for_companies(tmp_path: Path):
    asked = finding.find("http://127.0.0.1:1", aos_instance=None, ports=(), companies=(), partition="")
    told = probing.ask(asked, Settings(home=tmp_path))
    assert told.services.startswith("could not be asked: ")
    assert told.of_companies == told.of_partition == "could not be asked: AX tells it over net.tcp alone"
