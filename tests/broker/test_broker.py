"""The embedded broker: found again, kept to itself, gone with its parent."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connector import broker
from connector.errors import Conflict, NotReachable

pytestmark = pytest.mark.skipif(sys.platform not in {"linux", "darwin"}, reason="there is no embedded broker for this system")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[broker.Broker]:
    started = broker.start(tmp_path)
    yield started
    started.stop()


def _pid(home: Path) -> int:
    return int(json.loads((home / "broker.json").read_text())["pid"])


def eventually(condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "the condition did not come true in time"
        time.sleep(0.02)


def test_it_answers_at_the_address_that_others_find(server: broker.Broker, tmp_path: Path) -> None:
    assert server.alive()
    assert broker.address(tmp_path) == server.url
    assert redis.Redis.from_url(server.url).ping()
    assert urlsplit(server.url).hostname == "127.0.0.1"


def test_secrets_are_for_the_owner_alone(server: broker.Broker, tmp_path: Path) -> None:
    password = urlsplit(server.url).password or ""
    assert stat.S_IMODE((tmp_path / "broker.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "broker.acl").stat().st_mode) == 0o600
    assert password not in (tmp_path / "broker.acl").read_text()
    assert len(password) >= 32
    for args in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            assert password not in args.read_text(errors="replace")


def test_a_stranger_is_refused(server: broker.Broker) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=urlsplit(server.url).port or 0, retry=Retry(NoBackoff(), 0)).ping()


def test_address_and_data_persist(tmp_path: Path) -> None:
    first = broker.start(tmp_path)
    redis.Redis.from_url(first.url).lpush("aos.demo-01", "work")
    first.stop()
    assert not first.alive()
    second = broker.start(tmp_path)
    try:
        assert second.url == first.url
        assert redis.Redis.from_url(second.url).lrange("aos.demo-01", 0, -1) == [b"work"]
    finally:
        second.stop()


def test_one_that_dies_is_started_again_where_it_was(tmp_path: Path) -> None:
    kept = broker.Kept(tmp_path)
    try:
        pid = _pid(tmp_path)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: _pid(tmp_path) != pid and broker.answers(kept.url), within_s=20)
    finally:
        kept.stop()
    assert not broker.answers(kept.url)


def test_nothing_is_ever_evicted(server: broker.Broker) -> None:
    client = redis.Redis.from_url(server.url)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("save") == {"save": ""}


def test_a_home_with_a_living_broker_is_refused(server: broker.Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_GONE_S", 0.2)
    with pytest.raises(Conflict, match="another dispatcher"):
        broker.start(tmp_path)
    assert server.alive()


def test_a_port_that_a_stranger_took_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        (tmp_path / "broker.json").write_text(json.dumps({"url": f"redis://rapidstart:old@127.0.0.1:{port}/0"}))
        started = broker.start(tmp_path)
    try:
        assert urlsplit(started.url).port != port
        assert urlsplit(started.url).password != "old"
        assert broker.address(tmp_path) == started.url
    finally:
        started.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "broker" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "broker" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(NotReachable, match="did not start"):
        broker.start(tmp_path)


def test_no_address_before_the_first_start(tmp_path: Path) -> None:
    assert broker.address(tmp_path) is None
    (tmp_path / "broker.json").write_text("{")
    assert broker.address(tmp_path) is None
    (tmp_path / "broker.json").write_text("[]")
    assert broker.address(tmp_path) is None


def test_it_ends_with_a_killed_parent_and_can_be_started_again_at_once(tmp_path: Path) -> None:
    source = """
import sys
from pathlib import Path
from connector import broker
print(broker.start(Path(sys.argv[1])).url, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", source, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ,
    )
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    redis.Redis.from_url(url).set("kept", "1")
    pid = json.loads((tmp_path / "broker.json").read_text())["pid"]
    parent.kill()
    parent.wait()
    again = broker.start(tmp_path)
    try:
        assert again.url == url
        assert again.child.pid != pid
        assert redis.Redis.from_url(url).get("kept") == b"1"
        eventually(lambda: redis.Redis.from_url(url).info("server")["process_id"] == again.child.pid)
    finally:
        again.stop()
