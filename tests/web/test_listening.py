"""Where the dispatcher listens: beyond this computer by TLS alone; whose word on the caller is taken."""

import asyncio
import socket
import threading
from contextlib import contextmanager

import pytest
import requests

from connector import web
from connector.access import people
from connector.client import Client
from connector.errors import NotReachable, Refused
from tests.aos.test_tls import HERE, authority, context


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "rapid.example.com"])
def test_beyond_this_computer_it_listens_by_tls_alone(host):
    with pytest.raises(Refused, match="without TLS") as refused:
        web.listen(web.Door(host=host, port=0))
    assert "RAPIDSTART_ALLOW_PLAIN_HTTP" in refused.value.advice


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.8.8"])
def test_on_this_computer_it_listens_as_it_is(host):
    web.listen(web.Door(host=host, port=0)).close()


def test_it_can_be_told_that_the_network_is_safe():
    web.listen(web.Door(host="0.0.0.0", port=0, allow_plain_http=True)).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_is_answered_leaves_at_once(host):
    """An answer leaves in two pieces: the second must not wait 40 ms for the caller to acknowledge the first."""

    async def is_at_once():
        held = asyncio.get_running_loop().create_future()
        listening = web.listen(web.Door(host=host, port=0))
        async with await asyncio.start_server(lambda _, writer: held.set_result(writer), sock=listening):
            _, asking = await asyncio.open_connection(*listening.getsockname()[:2])
            writer = await held
            found = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for each in (asking, writer):
                each.close()
        return found

    assert asyncio.run(is_at_once())


def test_a_certificate_that_is_none_is_refused_before_anything_starts(tmp_path):
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    for file in (wrong, tmp_path / "missing.pem"):
        with pytest.raises(Refused, match="cannot be used") as refused:
            web.listen(web.Door(host="127.0.0.1", port=0, certificate=file))
        assert str(tmp_path) not in str(refused.value)


@contextmanager
def served(desk, **more):
    """The same dispatcher behind another door."""
    door = web.Door(host="127.0.0.1", port=0, **more)
    listening = web.listen(door)
    server = web.server(web.create(desk.dispatcher), door)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"{door.url.partition(':')[0]}://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def test_by_tls_the_cookie_and_the_host_are_bound_to_it(desk, tmp_path):
    ours = authority(tmp_path, "ours")
    context(tmp_path, ours, HERE)
    with served(desk, certificate=tmp_path / "server.pem") as url, requests.Session() as session:
        session.trust_env, session.verify = False, str(ours.file)
        link = desk.accounts.link_person("Anna", role="viewer")["url"].rpartition("/")[2]
        arrived = session.post(f"{url}/signin/link/{link}", headers={"Origin": url}, timeout=30, allow_redirects=False)
        assert arrived.headers["Set-Cookie"].startswith("__Host-rapidstart=")
        assert "Secure" in arrived.headers["Set-Cookie"]
        assert "max-age" in arrived.headers["Strict-Transport-Security"]
        assert session.get(f"{url}/api/v1/whoami", timeout=30).json()["name"] == "Anna"
        token = desk.accounts.create_token("ci", role="viewer")["secret"]
        with pytest.raises(NotReachable, match=r"certificate .* is not accepted") as refused:
            Client(url, token=token).jobs()
        assert "RAPIDSTART_CA_FILE" in refused.value.advice
        assert Client(url, token=token, ca_file=ours.file).jobs() == []


SAID = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(("trusted", "address"), [(None, "127.0.0.1"), ("192.0.2.1", "127.0.0.1"), ("127.0.0.1", "198.51.100.9")])
def test_only_a_named_proxy_says_who_asks(desk, trusted, address):
    with served(desk, trusted_proxy=trusted) as url:
        link = people.first_link(desk.ledger)
        arrived = requests.post(f"{url}/signin/link/{link}", headers=SAID, timeout=30, allow_redirects=False)
    assert desk.client.audit(limit=1)[0]["by"] == f"administrator@{address}"
    assert ("Secure" in arrived.headers["Set-Cookie"]) == (trusted == "127.0.0.1")
