"""What is left on the broker at the end of a run is seen, whatever it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.chaos import leftovers
from tests.chaos.broker import Broker


@pytest.fixture
def client(tmp_path: Path) -> Iterator[redis.Redis]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker.client
    broker.kill()


def test_what_nobody_works_on_is_nothing(client: redis.Redis) -> None:
    client.set("rapidstart:epoch", "1")
    client.xadd("aos.a:reports", {"m": "1"})
    client.rpush("aos.a:reply:1", "granted")
    assert leftovers.awaited(client, within_s=0) == []


def test_messages_are_named_by_where_they_lie(client: redis.Redis) -> None:
    client.rpush("aos.a", "message")
    client.hset("aos.b:unacked", "tag", "another message")
    client.zadd("aos.b:unacked_index", {"tag": 7.0})
    assert leftovers.awaited(client, within_s=0) == [
        "aos.a holds 1 messages",
        "aos.b:unacked holds another message",
        "aos.b:unacked_index names tag, of 7",
    ]
