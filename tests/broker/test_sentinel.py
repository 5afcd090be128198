"""A broker that sentinels watch: both ends find the master, and the next one after it has died."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import kombu
import pytest
import redis

from connector import broker
from connector.dispatch.outbox import Outbox, Parcel
from connector.errors import NotReachable
from connector.wire import reports, routes
from connector.wire.jobs import SurveyConnection
from tests.aos.test_tls import HERE, authority, context
from tests.broker.watched import Watched, eventually, watched
from workers import login

pytestmark = pytest.mark.slow  # three servers, and the time in which sentinels agree


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path) as made:
        yield made


def _parcel(batch: int) -> Parcel:
    ref = reports.BatchRef(job="JB-2222", step=1, batch=batch)
    work = SurveyConnection(endpoint="A1", ref=ref, addresses=("http://127.0.0.1:1/p/xppservice.svc",))
    return Parcel(endpoint="A1", ref=ref, message=work, shown="a test")


def _done(act: object) -> bool:
    try:
        act()  # type: ignore[operator]
    except (NotReachable, redis.RedisError):
        return False
    return True


def test_both_ends_go_to_the_master_and_to_the_next_one_when_it_has_died(site: Watched) -> None:
    assert broker.answers(site.url)
    outbox = Outbox(site.url)
    mark = outbox.new_epoch()
    outbox.send(_parcel(1))
    ends = [broker.connect(site.url, socket_timeout=5), login.connect(site.url, socket_timeout=5)]
    for end in ends:
        end.xadd(routes.report_stream("A1"), {"m": "before"})
    for end in ends:
        assert end.wait(1, 2000) == 1

    dead = site.kill_master()
    assert site.master() != dead
    eventually(lambda: _done(lambda: outbox.send(_parcel(2))))
    for number, end in enumerate(ends):
        eventually(lambda end=end, number=number: _done(lambda: end.set(f"after{number}", "1")))
    assert outbox.epoch() == mark, "it is the same broker, as far as the ledger is concerned"
    assert outbox.waiting("A1")[-1] == "JB-2222.1.1.1"
    assert "JB-2222.1.2.1" in outbox.waiting("A1")
    assert ends[0].xlen(routes.report_stream("A1")) == 2
    assert site.client(site.master()).get("after1") == b"1"
    outbox.close()


def test_servers_and_sentinels_are_asked_by_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no server with TLS is installed (Debian's package redis-server is one)")
    ours = authority(tmp_path, "ours")
    context(tmp_path, ours, HERE)
    mine = str(tmp_path / "server.pem")  # key and certificate in one file
    files = {"ssl_ca_certs": str(ours.file), "ssl_certfile": mine, "ssl_keyfile": mine}
    with watched(tmp_path, tls=files, program=program) as site:
        assert site.url.startswith("sentinels://")
        assert broker.answers(site.url)
        bare = site.url.partition("&ssl_certfile")[0]
        assert not broker.answers(bare), "they want a certificate"
        strange = (
            f"{bare.partition('?')[0]}?ssl_ca_certs={authority(tmp_path, 'theirs').file}&ssl_certfile={mine}&ssl_keyfile={mine}"
        )
        assert not broker.answers(strange), "theirs is checked"
        outbox = Outbox(site.url)
        outbox.send(_parcel(1))
        end = login.connect(site.url, socket_timeout=5)
        end.xadd(routes.report_stream("A1"), {"m": "before"})
        assert end.wait(1, 5000) == 1
        site.kill_master()
        eventually(lambda: _done(lambda: outbox.send(_parcel(2))))  # by Celery's own connection
        eventually(lambda: _done(end.ping))
        assert "JB-2222.1.2.1" in outbox.waiting("A1")
        assert end.xlen(routes.report_stream("A1")) == 1
        outbox.close()


def test_sentinels_that_name_no_master_are_not_reachable(site: Watched) -> None:
    other = Outbox(site.url.replace("mymaster", "another"))
    with pytest.raises(NotReachable, match="the broker cannot be reached"):
        other.epoch()
    assert not broker.answers(site.url.replace("throw", "thrown")), "the password is the server's"
    other.close()


def test_a_login_that_changes_is_used_at_the_master_and_at_the_next_one(site: Watched) -> None:
    """By a client of our own, and by kombu's, as Celery makes it."""
    for port in site.servers:
        for name in ("one", "two"):
            site.client(port).execute_command("ACL SETUSER", name, "reset", "on", f">{name}-secret", "~*", "&*", "+@all")
    place = site.url.rpartition("@")[2]
    said = [f"sentinel://one:one-secret@{place}"]
    mine = login.Login(said[0], lambda: said[-1])
    client = login.connect(said[0], login=mine, socket_timeout=5)
    options = routes.celery_settings(said[0], endpoint="A1")
    with kombu.Connection(
        options["broker_url"], credential_provider=mine, transport_options=options["broker_transport_options"]
    ) as celery:
        ends = [client, celery.default_channel.client]
        assert [end.acl_whoami() for end in ends] == ["one", "one"]
        said.append(f"sentinel://two:two-secret@{place}")
        mine.look()
        assert [end.acl_whoami() for end in ends] == ["two", "two"]
        site.kill_master()
        for end in ends:
            eventually(lambda end=end: _done(lambda: end.set("after", "1")))
        assert [end.acl_whoami() for end in ends] == ["two", "two"]
