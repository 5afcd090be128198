"""What is left on the broker when nothing is under way any more: it must be nothing that anybody would still work on."""

import time
from typing import Final

import redis

#: What a dead process held is put back a minute after it was delivered or renewed, and dropped by whoever takes it then.
SETTLES_WITHIN_S: Final = 150.0
_LOOK_S: Final = 0.5


def awaited(client: redis.Redis, *, within_s: float = SETTLES_WITHIN_S) -> list[str]:
    """Sentences about what is still there after this time; none as soon as there is nothing."""
    until = time.monotonic() + within_s
    while (left := found(client)) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return left


def found(client: redis.Redis) -> list[str]:
    """Messages that nobody has taken, and messages that somebody was given and that nobody acknowledged, of any endpoint."""
    left = []
    for key in sorted(key.decode() for key in client.scan_iter()):
        if key.endswith("unacked"):
            left += [f"{key} holds {value[:300].decode()}" for value in client.hvals(key)]
        elif key.endswith("unacked_index"):
            left += [f"{key} names {tag.decode()}, of {score:.0f}" for tag, score in client.zrange(key, 0, -1, withscores=True)]
        elif client.type(key) == b"list" and ":reply:" not in key:
            left.append(f"{key} holds {client.llen(key)} messages")
    return left
