"""Windows authentication by Kerberos over HTTP, in a domain of MIT's KDC: the first connection is let in without a challenge."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import kdc
from tests.aos.peer import Iis, Peer, peer
from workers import aos
from workers.aos.transport import Transport
from workers.errors import GiveUp

pytest.importorskip("gssapi", reason="the package gssapi is not installed here (pip install gssapi krb5)")
pytest.importorskip("krb5", reason="the package krb5 is not installed here (pip install gssapi krb5)")

USER = f"loader@{kdc.REALM}"
ROWS = b"<rows>" + b"x" * 20_000 + b"</rows>"


@pytest.fixture
def domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[kdc.Domain]:
    try:
        with kdc.running(tmp_path) as started:
            started.account("loader", "Secret1")
            (tmp_path / "accounts").write_text(f":{USER}:Secret1\n", encoding="utf-8")
            for name, value in {**started.environment, "NTLM_USER_FILE": str(tmp_path / "accounts")}.items():
                monkeypatch.setenv(name, value)
            yield started
    except kdc.NotInstalled as missing:
        pytest.skip(str(missing))


def named(server: Peer) -> str:
    """The address by the computer's name: Kerberos knows no numbers."""
    return server.url.replace("127.0.0.1", "localhost")


def posts(server: Peer, *, user: str | None = USER, password: str | None = "Secret1", calls: int = 3) -> list[int]:
    transport = Transport([named(server)], credentials=aos.Credentials(user=user, password=password))
    try:
        return [
            transport.post(named(server), ROWS, action="urn:a/create", time_limit_s=30.0, writes=True).status
            for _ in range(calls)
        ]
    finally:
        transport.close()


def test_a_ticket_lets_a_connection_in_and_rows_travel_once(domain: kdc.Domain) -> None:
    domain.service("HTTP/localhost")
    iis = Iis("Negotiate", "NTLM")
    with peer(iis) as server:
        assert posts(server) == [200] * 3
    assert iis.let_in == [f"{USER} by kerberos"]
    assert (server.connections, server.body_bytes) == (1, 3 * len(ROWS))


def test_the_tickets_of_the_process_do_without_a_password(domain: kdc.Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    domain.service("HTTP/localhost")
    domain.log_on("loader", "Secret1")
    monkeypatch.delenv("NTLM_USER_FILE")
    iis = Iis("Negotiate")
    with peer(iis) as server:
        assert posts(server, user=None, password=None) == [200] * 3
    assert iis.let_in == [f"{USER} by kerberos"]


def test_negotiate_goes_on_by_ntlm_where_the_domain_knows_no_such_site(domain: kdc.Domain) -> None:
    iis = Iis("Negotiate", "NTLM")
    with peer(iis) as server:
        assert posts(server) == [200] * 3
    (who,) = iis.let_in
    assert who.endswith(f"{USER} by ntlm")


def test_a_wrong_password_is_refused_and_spared(domain: kdc.Domain) -> None:
    domain.service("HTTP/localhost")
    iis = Iis("Negotiate")
    with peer(iis) as server, pytest.raises(GiveUp) as told:
        posts(server, password="wrong")
    assert told.value.code == "RSC-5910"
    assert iis.logons == 0
    assert domain.refusals() == 1
    assert server.body_bytes == 0
