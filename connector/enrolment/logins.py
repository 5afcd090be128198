"""Logins of machines at the broker: made, told once, set anew wherever the broker lacks them, and ended.

The ledger says which there are. A broker that was replaced, started anew or promoted knows none, so that they are compared
again and again; one that lets the dispatcher set no logins is given the commands by a person.

A login that changes is a new user beside the one before. That one ends when nobody is at the broker by it any more and
somebody is by the new one, or when it has had its time: and with it every connection that was made by it, whoever made it.
"""

import contextlib
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import redis
from redis.exceptions import NoPermissionError

from connector.dispatch import Dispatcher
from connector.dispatch.outbox import translated
from connector.enrolment import acl
from connector.errors import Conflict, NotFound, NotReachable
from connector.ledger import Database, audit, endpoints, machines, trust
from connector.ledger.machines import Machine
from connector.wire import sealing
from connector.wire.keys import Public
from connector.wire.machines import Login

log = logging.getLogger(__name__)

#: How often the broker's logins are compared with the ledger's, in seconds.
_LOOK_S: Final = 2.0
#: So long a login that was changed counts beside the new one at most, in seconds: workers need a few.
GRACE_S: Final = 900.0
#: Files on the dispatcher's computer: no worker has them.
_OWN_FILES: Final = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_ca_path"}

#: What a login may do, by its endpoint and the digest of its password, as one server takes it.
_Rules = Callable[[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command for the broker, of one machine."""

    machine: Machine
    name: str
    """of its computer"""
    login: str
    text: str


def login_of(endpoint: str, fingerprint: str) -> str:
    """What the user of a machine is called at the broker."""
    return f"aos.{endpoint.lower()}.{fingerprint.replace('-', '')}"


def new_password() -> tuple[str, str]:
    """A new password, and its digest: the ledger, and the broker, know no more of it."""
    password = secrets.token_urlsafe(32)
    return password, hashlib.sha256(password.encode("ascii")).hexdigest()


def told_url(broker_url: str, *, login: str, password: str) -> str:
    """The broker's URL for a machine: with its login in the place of the dispatcher's, and without the dispatcher's files."""
    parts = urlsplit(broker_url)
    place = parts.netloc.rpartition("@")[2]
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in _OWN_FILES]
    netloc = f"{quote(login, safe='')}:{quote(password, safe='')}@{place}"
    return urlunsplit((parts.scheme, netloc, parts.path, urlencode(query), ""))


def unreachable(broker_url: str, *, address: str) -> str:
    """Why a machine that asked from this address cannot come to the broker as it is told; "" where it can, for all one knows."""
    host = urlsplit(broker_url).hostname or ""
    if _is_loopback(host) and not _is_loopback(address):
        return "the broker is told as an address of the dispatcher's own computer: set RAPIDSTART_WORKER_BROKER_URL there"
    return ""


def letter(dispatcher: Dispatcher, machine: Machine, *, reader: Public, password: str, broker_url: str) -> str:
    """The broker's URL with a machine's login, sealed: who does not hold the machine's key cannot read it."""
    told = Login(broker_url=told_url(broker_url, login=machine.users[0], password=password))
    stamp = sealing.Stamp(way=sealing.Way.ANSWER, endpoint=machine.endpoint, question=reader.fingerprint)
    return sealing.seal(told, stamp, sender=dispatcher.outbox.letters.ring, readers=(reader,))


def commands(dispatcher: Dispatcher, name: str) -> list[Command]:
    """What a person must tell a broker that the dispatcher may not administer. Raises NotFound."""
    rules = _rules(dispatcher.outbox.redis)
    with dispatcher.ledger.read() as db:
        key = endpoints.get(db, name).key
        found, names = machines.of_endpoint(db, key), {each.fingerprint: each.machine for each in trust.machines(db, key)}
    return [
        Command(machine=each, name=names.get(each.fingerprint, ""), login=user, text=_command(each, user, password, rules))
        for each in found
        for user, password in _users(each)
        if user == each.users[0] or each.changed_at
    ]


def revoke(dispatcher: Dispatcher, name: str, *, machine: str | None, by: str) -> list[trust.MachineKey]:
    """Trust machines of an endpoint no more, and end their logins and connections; the worker need not be there.

    `machine` is a computer's name or a key's fingerprint; None: all of them. Raises NotFound.
    """
    with dispatcher.ledger.write() as db:
        endpoint = endpoints.get(db, name)
        live = [key for key in trust.machines(db, endpoint.key) if key.revoked_at is None]
        wanted = [key for key in live if machine is None or machine.casefold() in {key.machine.casefold(), key.fingerprint}]
        if not wanted:
            what = f"no machine {machine}" if machine else "no machine"
            raise NotFound(f"{endpoint.name} has {what} that is trusted.", advice=f"See: rapidstart endpoint show {name}")
        for key in wanted:
            end(db, endpoint.key, key.fingerprint, at=dispatcher.now())
        told = {"machines": tuple(f"{key.machine} {key.fingerprint}" for key in wanted)}
        audit.note(db, "endpoint revoke", by=by, subject=endpoint.key, at=dispatcher.now(), details=told)
    apply_now(dispatcher)
    return wanted


def end(db: Database, endpoint: str, fingerprint: str, *, at: float) -> None:
    """Trust a machine no more; the broker is told by `apply_now`, or by the keeper."""
    trust.revoke(db, endpoint, fingerprint, at=at)
    if found := machines.find(db, endpoint, fingerprint):
        machines.end(db, found)


def apply_now(dispatcher: Dispatcher) -> str:
    """Tell the broker of all logins, at once. "" where that went well, else why not: the keeper tries again."""
    try:
        compare(dispatcher, {})
    except NotReachable as error:
        log.warning("logins at the broker could not be set: %s", error, extra={"action": "logins_not_set"})
        return str(error)
    return ""


def compare(dispatcher: Dispatcher, done: dict[str, tuple[str, ...]]) -> None:
    """Set what the broker lacks, end what it should not have. `done`: what was set by whom calls this. Raises NotReachable."""
    with dispatcher.ledger.read() as db:
        found = machines.every(db)
    if not found:
        return
    server = dispatcher.outbox.redis
    with translated():
        rules = _rules(server)
        there = {_text(name) for name in server.acl_users()}
        for machine in found:
            _settle(server, machine, rules, there, done)


def end_changes(dispatcher: Dispatcher) -> None:
    """End the logins of before that all have left, or that had their time; `compare` tells the broker. Raises NotReachable."""
    with dispatcher.ledger.read() as db:
        changing = [each for each in machines.every(db) if each.previous]
    if not changing:
        return
    there = _present(dispatcher.outbox.redis)
    for machine in changing:
        new, before = machine.users
        has_left = new in there and before not in there
        if has_left or time.time() - machine.changed_at > GRACE_S:
            why = "its machine uses the new one" if has_left else "its time is over"
            with dispatcher.ledger.write() as db:
                end_previous(db, machine, because=why, by="dispatcher")


def end_previous(db: Database, machine: Machine, *, because: str, by: str) -> None:
    """Let the login that a machine had before count no more; the broker is told by `compare`."""
    if machines.end_previous(db, machine):
        told = {"login": machine.users[1], "because": because}
        audit.note(db, "credentials end", by=by, subject=machine.endpoint, at=time.time(), details=told)
        log.info(
            "the login %s ends: %s", machine.users[1], because, extra={"action": "login_ended", "endpoint": machine.endpoint}
        )


def _present(server: redis.Redis) -> set[str]:
    """By which logins somebody is at the broker; none where it does not say. Raises NotReachable."""
    with translated():
        try:
            return {str(each.get("user", "")) for each in server.client_list()}
        except NoPermissionError:
            return set()


def check_key(dispatcher: Dispatcher) -> str:
    """The dispatcher's public key, as machines are told it. Raises Conflict."""
    public = dispatcher.outbox.letters.public
    if public is None:
        raise Conflict("this dispatcher has no key.", advice="Start it anew: rapidstart dispatcher")
    return public.text


class Keeper:
    """A thread of the leading dispatcher: it keeps the broker's logins as the ledger has them."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Nothing runs before `start`."""
        self._dispatcher = dispatcher
        self._stopping = threading.Event()
        self._done: dict[str, tuple[str, ...]] = {}
        self._said = ""
        self._thread = threading.Thread(target=self._forever, name="logins", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the turn in hand."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _forever(self) -> None:
        while not self._stopping.is_set():
            try:
                end_changes(self._dispatcher)
                compare(self._dispatcher, self._done)
                self._said = ""
            except NotReachable as error:
                self._done.clear()
                self._say(str(error))
            except Exception:  # the outermost loop of this thread: one bad turn must not leave machines without a login
                log.exception("a turn failed", extra={"action": "turn_failed"})
            self._stopping.wait(_LOOK_S)

    def _say(self, why: str) -> None:
        if why != self._said:
            log.warning("logins at the broker cannot be kept: %s", why, extra={"action": "logins_not_set"})
        self._said = why


def _users(machine: Machine) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
    """Its two users at the broker, each with the digest of its password; None: there must be no such user."""
    now, before = machine.users
    return (now, machine.password), (before, machine.previous)


def _settle(
    server: redis.Redis, machine: Machine, rules: _Rules, there: Collection[str], done: dict[str, tuple[str, ...]]
) -> None:
    for user, password in _users(machine):
        words = rules(machine.endpoint, password) if password else ()
        if (user in there) == bool(password) and done.get(user, ()) == words:
            continue
        if user in there and (not password or not _has(server, user, password)):
            server.acl_deluser(user)  # its connections end with it
        if password:
            server.execute_command("ACL SETUSER", user, *words)  # type: ignore[no-untyped-call]
        done[user] = words


def _has(server: redis.Redis, user: str, password: str) -> bool:
    """Whether this is the one password of a user, by its digest."""
    found: Any = server.acl_getuser(user)
    return bool(found) and found["passwords"] == [password]


def _command(machine: Machine, user: str, password: str | None, rules: _Rules) -> str:
    if password is None:
        return acl.delete_command(user)
    return acl.set_command(user, rules(machine.endpoint, password))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _rules(server: redis.Redis) -> _Rules:
    """What to say to this server. One that does not tell its version, or is away, is taken for a new one."""
    number, version = _number(server), ""
    with contextlib.suppress(redis.RedisError):
        version = str(server.info("server").get("redis_version", ""))  # Valkey tells 7.2.4 here
    names_itself = not version.startswith(("6.", "7.0."))
    return lambda endpoint, password: acl.rules(endpoint, password=password, db=number, names_itself=names_itself)


def _number(server: redis.Redis) -> int:
    """The number of the database that the dispatcher uses."""
    options: dict[str, Any] = server.connection_pool.connection_kwargs
    return int(options.get("db") or 0)


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
