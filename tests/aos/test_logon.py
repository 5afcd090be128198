"""Who the worker shows itself as: Windows authentication and Basic, how often a body travels, how often an account fails."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.aos.peer import Iis, Peer, Request, answer, peer
from workers import aos
from workers.aos import negotiate
from workers.aos.transport import Transport
from workers.aos.values import Authentication
from workers.errors import GiveUp, Retry

RIGHT = aos.Credentials(user="CONTOSO\\loader", password="Secret1")
WRONG = aos.Credentials(user="CONTOSO\\loader", password="wrong")
ROWS = b"<rows>" + b"x" * 20_000 + b"</rows>"


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").write_text("CONTOSO:loader:Secret1\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))


def post(transport: Transport, url: str, *, body: bytes = ROWS) -> int:
    return transport.post(url, body, action="urn:a/create", time_limit_s=10.0, writes=True).status


def posts_in_threads(transport: Transport, url: str, *, threads: int, calls: int) -> list[int]:
    """Each thread makes its calls, all starting together."""
    start = threading.Barrier(threads)

    def work() -> list[int]:
        start.wait(10)
        try:
            return [post(transport, url) for _ in range(calls)]
        finally:
            transport.close()

    with ThreadPoolExecutor(threads) as pool:
        return [status for done in [pool.submit(work) for _ in range(threads)] for status in done.result(30)]


@pytest.mark.parametrize("schemes", [("Negotiate", "NTLM"), ("NTLM",), ('Basic realm="aos"', "NTLM")])
def test_rows_travel_once_on_a_connection_that_was_logged_on_before(schemes: tuple[str, ...]) -> None:
    iis = Iis(*schemes)
    with peer(iis) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert [post(transport, server.url) for _ in range(5)] == [200] * 5
        transport.close()
    assert server.body_bytes == 5 * len(ROWS)
    assert (server.connections, iis.logons) == (1, 1)


def test_rows_of_many_threads_travel_once_each() -> None:
    iis = Iis("Negotiate", "NTLM")
    with peer(iis) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert posts_in_threads(transport, server.url, threads=4, calls=6) == [200] * 24
    assert server.body_bytes == 24 * len(ROWS)
    assert (server.connections, iis.logons, iis.failures) == (4, 4, 0)


def test_a_connection_that_was_closed_meanwhile_is_logged_on_again_before_the_rows() -> None:
    iis = Iis("NTLM")
    with peer(iis) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert post(transport, server.url) == 200
        server.drop_connections()
        assert post(transport, server.url) == 200
        transport.close()
    assert server.body_bytes == 2 * len(ROWS)
    assert iis.logons == 2


def test_a_server_that_closes_after_each_answer_gets_each_body_once() -> None:
    iis = Iis("NTLM", closes=True)
    with peer(iis) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert [post(transport, server.url) for _ in range(3)] == [200] * 3
        transport.close()
    assert server.body_bytes == 3 * len(ROWS)


def test_a_server_that_authenticates_each_request_gets_one_body_too_many_and_then_each_once() -> None:
    iis = Iis("Negotiate", "NTLM", each_time=True)
    with peer(iis) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert [post(transport, server.url) for _ in range(5)] == [200] * 5
        transport.close()
    assert iis.rows.count(ROWS) == 5
    assert server.body_bytes == (5 + 1) * len(ROWS)


class Ticket:
    """A Kerberos ticket: one leg, and it is done."""

    complete = False

    def step(self, challenge: bytes | None, *, channel_bindings: object) -> bytes:
        self.complete = True
        return b"ticket"


def by_ticket(request: Request, let_in: set[int]) -> bytes:
    """IIS as it is set by default for Kerberos: a ticket counts for its request alone; `let_in` connections aside."""
    if request.headers.get("authorization") == "Negotiate dGlja2V0" or request.connection in let_in:
        return answer("200 OK", "WWW-Authenticate: Negotiate bXV0dWFs")
    return answer("401 Unauthorized", "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM")


def test_a_ticket_that_counts_once_travels_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(negotiate.spnego, "client", lambda *who, **way: asked.append((*who, way)) or Ticket())
    with peer(lambda request: by_ticket(request, set())) as server:
        transport = Transport([server.url], credentials=aos.Credentials())
        assert [post(transport, server.url) for _ in range(5)] == [200] * 5
        transport.close()
    assert server.body_bytes == (5 + 1) * len(ROWS)
    assert [request.headers.get("authorization") for request in server.requests[-3:]] == ["Negotiate dGlja2V0"] * 3
    # Nobody is named: it is the account that the process runs under, at the host that the address names.
    assert asked[0] == (None, None, {"hostname": "127.0.0.1", "service": "HTTP", "protocol": "negotiate"})


def test_a_proxy_that_asks_again_in_the_middle_is_answered() -> None:
    iis = Iis("NTLM")
    with peer(iis) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert post(transport, server.url) == 200
        iis.ask_again()
        assert [post(transport, server.url) for _ in range(3)] == [200] * 3
        transport.close()
    assert iis.rows.count(ROWS) == 4
    assert iis.failures == 0


def test_a_handshake_whose_connection_is_cut_is_tried_later_and_is_no_wrong_password() -> None:
    iis = Iis("NTLM")

    def cutting(request: Request) -> bytes | None:
        reply = iis(request) or b""
        return reply.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)

    with peer(cutting) as server:
        transport = Transport([server.url], credentials=RIGHT)
        with pytest.raises(Retry, match="in the middle of Windows authentication") as failed:
            post(transport, server.url)
        assert type(failed.value) is Retry
    assert server.body_bytes == 0


def test_contracts_are_fetched_with_the_account_too() -> None:
    iis = Iis("NTLM", inside=lambda request: answer(body=request.target.encode()))
    with peer(iis) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert [transport.get(f"{server.url}?xsd=xsd{n}").body for n in range(3)] == [
            f"/Port/xppservice.svc?xsd=xsd{n}".encode() for n in range(3)
        ]
        transport.close()
    assert iis.logons == 1


def test_a_wrong_password_is_told_as_one_and_tried_once() -> None:
    iis = Iis("Negotiate", "NTLM")
    with peer(iis) as server:
        transport = Transport([server.url], credentials=WRONG)
        with pytest.raises(GiveUp, match=r"refuses this worker's account CONTOSO\\loader") as failed:
            post(transport, server.url)
        assert failed.value.code == "RSC-5910"
        for _ in range(5):
            with pytest.raises(GiveUp, match="was not shown again"):
                post(transport, server.url)
        transport.close()
    assert iis.failures == 1
    assert server.body_bytes == 0
    assert "wrong" not in str(failed.value).split()


def test_many_threads_with_a_wrong_password_fail_once_between_them() -> None:
    iis = Iis("NTLM")
    with peer(iis) as server:
        transport = Transport([server.url], credentials=WRONG)
        with pytest.raises(GiveUp):
            posts_in_threads(transport, server.url, threads=6, calls=1)
    assert iis.failures == 1


def test_a_refused_account_is_tried_again_after_a_pause() -> None:
    iis = Iis("NTLM")
    with peer(iis) as server:
        transport = Transport([server.url], credentials=WRONG, refused_pause_s=0.0)
        for _ in range(2):
            with pytest.raises(GiveUp, match="refuses"):
                post(transport, server.url)
        transport.close()
    assert iis.failures == 2


def test_ntlm_alone_does_not_answer_to_negotiate() -> None:
    with peer(Iis("Negotiate")) as server:
        alone = aos.Credentials(user="CONTOSO\\loader", password="Secret1", authentication=Authentication.NTLM)
        with pytest.raises(GiveUp, match=r"The server asks for Negotiate\."):
            post(Transport([server.url], credentials=alone), server.url)
    assert [request.headers.get("authorization") for request in server.requests] == [None]


def test_ntlm_alone_is_let_in() -> None:
    iis = Iis("Negotiate", "NTLM")
    with peer(iis) as server:
        alone = aos.Credentials(user="CONTOSO\\loader", password="Secret1", authentication=Authentication.NTLM)
        transport = Transport([server.url], credentials=alone)
        assert post(transport, server.url) == 200
        transport.close()
    assert all(request.headers.get("authorization", "NTLM ").startswith("NTLM ") for request in server.requests)


def test_a_server_that_asks_nobody_is_called_without_a_token() -> None:
    with peer(lambda _: answer()) as server:
        transport = Transport([server.url], credentials=RIGHT)
        assert [post(transport, server.url) for _ in range(3)] == [200] * 3
        transport.close()
    assert [request.headers.get("authorization") for request in server.requests] == [None] * len(server.requests)
    assert server.body_bytes == 3 * len(ROWS)


def test_a_server_that_asks_for_what_the_worker_cannot_is_told() -> None:
    bearer = answer("401 Unauthorized", "WWW-Authenticate: Bearer")
    with peer(lambda _: bearer) as server, pytest.raises(GiveUp, match=r"The server asks for Bearer\."):
        post(Transport([server.url], credentials=RIGHT), server.url)
    assert server.body_bytes == 0


def test_without_an_account_and_without_windows_nobody_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NTLM_USER_FILE")
    with peer(Iis("NTLM")) as server:
        with pytest.raises(GiveUp, match="cannot be made") as failed:
            post(Transport([server.url], credentials=aos.Credentials()), server.url)
        assert failed.value.code == "RSC-5910"


def test_credentials_are_never_shown_to_an_origin_that_is_not_configured() -> None:
    with peer(Iis("Negotiate", "NTLM")) as server:
        transport = Transport(credentials=RIGHT)
        assert post(transport, server.url) == 401
        transport.close()
    assert [request.headers.get("authorization") for request in server.requests] == [None]


BASIC = aos.Credentials(user="CONTOSO\\loader", password="Sécret:1", authentication=Authentication.BASIC, basic_over_http=True)


class BasicServer:
    def __init__(self, expected: str) -> None:
        self._expected = expected
        self.failures = 0

    def __call__(self, request: Request) -> bytes:
        if request.headers.get("authorization") == self._expected:
            return answer()
        self.failures += "authorization" in request.headers
        return answer("401 Unauthorized", 'WWW-Authenticate: Basic realm="aos"')


def test_basic_shows_the_account_with_every_request_and_sends_rows_once() -> None:
    with peer(BasicServer("Basic Q09OVE9TT1xsb2FkZXI6U8OpY3JldDox")) as server:
        transport = Transport([server.url], credentials=BASIC)
        assert [post(transport, server.url) for _ in range(3)] == [200] * 3
        transport.close()
    assert server.body_bytes == 3 * len(ROWS)


def test_a_wrong_basic_password_fails_once_and_shows_no_rows() -> None:
    basic = BasicServer("Basic other")
    with peer(basic) as server:
        transport = Transport([server.url], credentials=BASIC)
        for sentence in ("refuses", "was not shown again"):
            with pytest.raises(GiveUp, match=sentence):
                post(transport, server.url)
        transport.close()
    assert basic.failures == 1
    assert server.body_bytes == 0


def test_basic_is_not_shown_over_http_unless_it_was_said() -> None:
    closed = aos.Credentials(user="u", password="p", authentication=Authentication.BASIC)
    with peer(BasicServer("")) as server:
        with pytest.raises(GiveUp, match=r"is not https.*would show the password"):
            post(Transport([server.url], credentials=closed), server.url)
        assert server.connections == 0


def test_a_password_is_not_printed() -> None:
    assert "Secret1" not in repr(RIGHT)


def test_peers_count_bodies() -> None:
    """What the other tests rest on: a client that does not log on first does send its rows too often."""
    iis = Iis("NTLM")
    with peer(iis) as server:
        assert post(Transport([server.url]), server.url) == 401
        assert isinstance(server, Peer)
    assert server.body_bytes == len(ROWS)
