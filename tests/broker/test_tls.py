"""A broker behind TLS (the embedded server has none: a proxy ends it), by `rediss://` and the authority's file."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import kombu
import pytest

from connector import broker
from connector.dispatch.outbox import Outbox, Parcel
from connector.errors import NotReachable
from connector.wire import routes
from connector.wire.jobs import SurveyConnection
from connector.wire.reports import BatchRef
from tests.aos.test_tls import HERE, authority, context
from tests.journeys.driving import Site, free_port, write_csv
from workers import login

COLUMNS = ["CustGroup", "Name"]
ROWS = [[f"{number:05}", f"Group {number}"] for number in range(100)]


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, tls: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            taken, _ = listener.accept()
            threading.Thread(target=_forward, args=(taken, tls, port), daemon=True).start()


def _forward(taken: socket.socket, tls: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):  # a client that does not trust us
        client = tls.wrap_socket(taken, server_side=True)
        server = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        _pump(client, server)


@contextmanager
def _behind_tls(tls: ssl.SSLContext, port: int) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listener, tls, port), daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    ours = authority(tmp_path, "ours")
    (tmp_path / "broker").mkdir()
    server = broker.start(tmp_path / "broker")
    plain = urlsplit(server.url)
    with _behind_tls(context(tmp_path, ours, HERE), plain.port or 0) as port:
        yield f"rediss://{plain.username}:{plain.password}@127.0.0.1:{port}/0?ssl_ca_certs={ours.file}"
    server.stop()


def test_both_ends_speak_tls_and_check_the_certificate(url: str, tmp_path: Path) -> None:
    assert broker.answers(url)
    assert login.connect(url, socket_timeout=5).ping()
    theirs = authority(tmp_path, "theirs").file
    strange = f"{url.partition('?')[0]}?ssl_ca_certs={theirs}"
    assert not broker.answers(strange)
    outbox = Outbox(strange)
    with pytest.raises(NotReachable):
        outbox.epoch()
    ref = BatchRef(job="JB-2222", step=1, batch=1)
    work = SurveyConnection(endpoint="A1", ref=ref, addresses=("http://127.0.0.1:1/p/xppservice.svc",))
    with pytest.raises(NotReachable):  # by Celery's own connection
        outbox.send(Parcel(endpoint="A1", ref=ref, message=work, shown="a test"))
    outbox.close()


def test_both_ends_show_a_client_certificate_to_a_broker_that_asks_for_one(tmp_path: Path) -> None:
    ours = authority(tmp_path, "ours")
    server_side = context(tmp_path, ours, HERE)
    server_side.load_verify_locations(ours.file)
    server_side.verify_mode = ssl.CERT_REQUIRED
    (tmp_path / "client").mkdir()
    context(tmp_path / "client", ours, HERE)
    shown = tmp_path / "client" / "server.pem"  # key and certificate in one file
    (tmp_path / "broker").mkdir()
    server = broker.start(tmp_path / "broker")
    plain = urlsplit(server.url)
    ref = BatchRef(job="JB-2222", step=1, batch=1)
    work = SurveyConnection(endpoint="A1", ref=ref, addresses=("http://127.0.0.1:1/p/xppservice.svc",))
    parcel = Parcel(endpoint="A1", ref=ref, message=work, shown="a test")
    with _behind_tls(server_side, plain.port or 0) as port:
        bare = f"rediss://{plain.username}:{plain.password}@127.0.0.1:{port}/0?ssl_ca_certs={ours.file}"
        named = f"{bare}&ssl_certfile={shown}&ssl_keyfile={shown}"
        assert not broker.answers(bare)
        assert broker.answers(named)
        assert login.connect(named, socket_timeout=5).ping()
        outbox = Outbox(named)
        outbox.send(parcel)  # by Celery's own connection
        assert outbox.waiting("A1") == ["JB-2222.1.1.1"]
        outbox.close()
    server.stop()


def test_a_login_that_changes_is_used_over_tls(url: str) -> None:
    """By a client of our own, and by kombu's, as Celery makes it."""
    with login.connect(url, socket_timeout=5) as owner:
        for name in ("one", "two"):
            owner.execute_command("ACL SETUSER", name, "reset", "on", f">{name}-secret", "~*", "&*", "+@all")
    place = url.rpartition("@")[2]
    said = [f"rediss://one:one-secret@{place}"]
    mine = login.Login(said[0], lambda: said[-1])
    client = login.connect(said[0], login=mine, socket_timeout=5)
    options = routes.celery_settings(said[0], endpoint="A1")
    with kombu.Connection(
        options["broker_url"], credential_provider=mine, transport_options=options["broker_transport_options"]
    ) as celery:
        ends = [client, celery.default_channel.client]
        assert [end.acl_whoami() for end in ends] == ["one", "one"]
        said.append(f"rediss://two:two-secret@{place}")
        mine.look()
        assert [end.acl_whoami() for end in ends] == ["two", "two"]
    client.close()


@pytest.mark.slow
def test_a_load_goes_over_tls(url: str, tmp_path: Path) -> None:
    site = Site(tmp_path, f"http://127.0.0.1:{free_port()}", {"RAPIDSTART_BROKER_URL": url, "RAPIDSTART_BATCH_ROWS": "10"})
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    try:
        site.start_dispatcher()
        site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup")
        site.start_worker("A1")
        job = site.json("load", file, "--endpoint", "A1", "--company", "USMF")
        assert site.ended(job["id"], within_s=60)["rows"]["created"] == 100, site.logs()
    finally:
        site.close()
    assert "CERT_NONE" not in site.logs()
