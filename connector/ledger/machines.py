"""The computers that were registered for endpoints: what they said of themselves, and their logins at the broker.

Their keys are in `connector.ledger.trust`. Of a password nothing but its SHA-256 is kept, which is what the broker takes. A
machine without a password has no login: it is kept so that the broker can be told to forget it.

A login that changes takes turns between two users at the broker: whoever came by the one before is out when that one ends.
"""

from dataclasses import asdict, dataclass, replace

import sqlalchemy as sa

from connector.ledger.schema import Words, metadata
from connector.ledger.store import Database

machines = sa.Table(
    "machines",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("fingerprint", Words, primary_key=True),
    sa.Column("login", Words, nullable=False),
    sa.Column("password", Words),
    sa.Column("previous", Words),
    sa.Column("service_host", Words, nullable=False),
    sa.Column("aos_instance", Words, nullable=False),
    sa.Column("account", Words, nullable=False),
    sa.Column("address", Words, nullable=False),
    sa.Column("version", Words, nullable=False),
    sa.Column("registered_at", sa.Float, nullable=False),
    sa.Column("turn", sa.Integer, nullable=False, server_default="0"),
    sa.Column("changed_at", sa.Float, nullable=False, server_default="0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A computer of an endpoint, by its key's fingerprint. `registered_at` is in seconds since 1970."""

    endpoint: str
    """in lower case"""
    fingerprint: str
    login: str
    """the name of its user at the broker; every other turn that with `.b` behind it"""
    password: str | None = None
    """SHA-256 of its password, in hexadecimal digits; None: it has no login"""
    previous: str | None = None
    """that of the password before, while the machine changes over"""
    service_host: str
    aos_instance: str
    account: str
    """under which its worker was registered"""
    address: str
    """from where it was registered"""
    version: str
    registered_at: float
    turn: int = 0
    """0: the user of its name is the current one, 1: the other one is"""
    changed_at: float = 0.0
    """when the login was changed last, in seconds since 1970; 0: never"""

    @property
    def users(self) -> tuple[str, str]:
        """Its user at the broker that is the current one, and the one before, which may be none yet."""
        names = (self.login, f"{self.login}.b")
        return (names[1], names[0]) if self.turn else names

    @property
    def passwords(self) -> tuple[str, ...]:
        """The digests of the passwords that count, the newest first."""
        return tuple(each for each in (self.password, self.previous) if each)


def keep(db: Database, machine: Machine) -> None:
    """Keep what a machine said of itself at its registration, in the place of what it said before."""
    db.execute(sa.delete(machines).where(_is(machine.endpoint, machine.fingerprint)))
    db.execute(sa.insert(machines).values(asdict(machine)))


def find(db: Database, endpoint: str, fingerprint: str) -> Machine | None:
    """A machine of an endpoint."""
    row = db.execute(sa.select(machines).where(_is(endpoint, fingerprint))).mappings().first()
    return Machine(**row) if row else None


def of_endpoint(db: Database, endpoint: str) -> list[Machine]:
    """The machines of an endpoint, those without a login too, the oldest first."""
    query = sa.select(machines).where(machines.c.endpoint == endpoint.lower()).order_by(machines.c.registered_at)
    return [Machine(**row) for row in db.execute(query).mappings()]


def every(db: Database) -> list[Machine]:
    """All machines, those of endpoints that are gone too."""
    return [Machine(**row) for row in db.execute(sa.select(machines).order_by(machines.c.login)).mappings()]


def renew(db: Database, machine: Machine, *, password: str, at: float) -> Machine:
    """Let a new password count, by its digest, for its other user; the one before counts until `end_previous`."""
    new = replace(machine, password=password, previous=machine.password)
    if machine.password is not None:
        new = replace(new, turn=1 - machine.turn, changed_at=at)
    said = {"password": new.password, "previous": new.previous, "turn": new.turn, "changed_at": new.changed_at}
    db.execute(sa.update(machines).where(_is(machine.endpoint, machine.fingerprint)).values(said))
    return new


def end_previous(db: Database, machine: Machine) -> bool:
    """Let the password before count no more; whether it did, and is still the one before."""
    mine = _is(machine.endpoint, machine.fingerprint) & (machines.c.previous == machine.previous)
    return bool(db.execute(sa.update(machines).where(mine).values(previous=None)).rowcount)


def end(db: Database, machine: Machine) -> None:
    """It has no login any more."""
    mine = _is(machine.endpoint, machine.fingerprint)
    db.execute(sa.update(machines).where(mine).values(password=None, previous=None))


def forget_endpoint(db: Database, key: str) -> None:
    """An endpoint is removed: its logins end, and an endpoint of that name that is added later is another one."""
    gone = {"password": None, "previous": None, "service_host": "", "aos_instance": ""}
    db.execute(sa.update(machines).where(machines.c.endpoint == key).values(gone))


def _is(endpoint: str, fingerprint: str) -> sa.ColumnElement[bool]:
    return (machines.c.endpoint == endpoint.lower()) & (machines.c.fingerprint == fingerprint)
