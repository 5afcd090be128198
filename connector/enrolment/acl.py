"""What the login of a machine may do at the broker: the commands and keys of its own endpoint, and not one more. Pure.

Measured on Valkey 9.1 with Celery 5.7 and redis-py 8: a worker's whole life, recovery included, leaves nothing in ACL LOG.
Selectors and rights by key need Redis 7 or Valkey; a server before 7.2 refuses rules with a command that it does not know yet.
"""

from collections.abc import Sequence
from typing import Final

from connector.wire import routes

#: To connect, and to keep the connection.
_CONNECTION: Final = ("hello", "auth", "ping", "reset", "client|setname")
#: What kombu does with a queue and with what is unacknowledged of it.
_QUEUE: Final = (
    *("brpop", "lpush", "rpush", "llen"),
    *("zadd", "zrem", "zrange", "zrevrangebyscore", "hset", "hget", "hdel"),
    *("set", "get", "del", "watch", "unwatch", "multi", "exec", "discard", "evalsha", "script|load"),
)


def rules(endpoint: str, *, password: str, db: int = 0, names_itself: bool = True) -> tuple[str, ...]:
    """The words of `ACL SETUSER` after the login's name; `password` is a SHA-256 digest, `db` is the database's number.

    `names_itself`: whether the server knows `CLIENT SETINFO`, by which redis-py tells its version.
    """
    queue, reports = routes.queue(endpoint), routes.report_stream(endpoint)
    commands = [*_CONNECTION, *_QUEUE, *(["select"] if db else []), *(["client|setinfo"] if names_itself else [])]
    keys = [queue, *(f"{queue}:{key}" for key in ("unacked", "unacked_index", "unacked_mutex"))]
    return (
        *("reset", "on", f"#{password}"),
        *(f"+{command}" for command in commands),
        *(f"~{key}" for key in keys),
        f"(+xadd %W~{reports})",  # reports are added, and never read
        f"(+xinfo|groups %R~{reports})",  # whether anybody reads them
        f"(+blpop ~{routes.reply_key(endpoint, '*')})",
        f"(+publish &/{db}.celeryev/*)",  # what Flower shows; it is never the truth
    )


def set_command(login: str, words: Sequence[str]) -> str:
    """The command for a broker that the dispatcher may not administer, as a client of it takes it."""
    quoted = (f'"{word}"' if " " in word else word for word in words)
    return " ".join(("ACL SETUSER", login, *quoted))


def delete_command(login: str) -> str:
    """The command that ends a login, and its connections."""
    return f"ACL DELUSER {login}"
