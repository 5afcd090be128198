"""The people who may sign in, and what they may do. A password is kept as its Argon2 hash, or there is none."""

from dataclasses import dataclass

import sqlalchemy as sa

from connector.errors import NotFound
from connector.ledger.credentials import instances_of, instances_text
from connector.ledger.schema import Words, metadata
from connector.ledger.store import Database
from connector.rights import Role

people = sa.Table(
    "people",
    metadata,
    sa.Column("key", Words, primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("role", Words, nullable=False),
    sa.Column("service_instances", Words),
    sa.Column("password", Words),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("signed_in_at", sa.Float),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in. `service_instances` None: all of them."""

    key: str
    """the name in lower case"""
    name: str
    role: Role
    service_instances: tuple[str, ...] | None = None
    made_at: float
    signed_in_at: float | None = None
    has_password: bool = False


_PLAIN = [column for column in people.c if column.name != "password"]
_EVERY = sa.select(*_PLAIN, people.c.password.is_not(None).label("has_password")).order_by(people.c.key)


def put(db: Database, person: Person) -> None:
    """Add a person, or set anew what one may do. A password stays."""
    told = {
        "name": person.name,
        "role": person.role,
        "service_instances": instances_text(person.service_instances),
        "signed_in_at": person.signed_in_at,
    }
    if not db.execute(sa.update(people).where(people.c.key == person.key).values(told)).rowcount:
        db.execute(sa.insert(people).values(key=person.key, made_at=person.made_at, password=None, **told))


def find(db: Database, name: str) -> Person | None:
    """The person of this name, in any case of letters."""
    row = db.execute(_EVERY.where(people.c.key == name.lower())).mappings().first()
    return _person(row) if row else None


def every(db: Database) -> list[Person]:
    """All people, by name."""
    return [_person(row) for row in db.execute(_EVERY).mappings()]


def password(db: Database, name: str) -> str | None:
    """The hash of a person's password; None where there is no such person, or no password."""
    found: str | None = db.execute(sa.select(people.c.password).where(people.c.key == name.lower())).scalar()
    return found


def set_password(db: Database, key: str, hashed: str) -> None:
    """Keep the hash of a person's password."""
    db.execute(sa.update(people).where(people.c.key == key).values(password=hashed))


def remove(db: Database, name: str) -> Person:
    """Forget a person. Raises NotFound."""
    found = find(db, name)
    if found is None:
        raise NotFound(f"nobody is named {name}.", advice="See: rapidstart person list")
    db.execute(sa.delete(people).where(people.c.key == found.key))
    return found


def _person(row: sa.RowMapping) -> Person:
    values = dict(row)
    values["role"] = Role(values["role"])
    values["service_instances"] = instances_of(values["service_instances"])
    return Person(**values)
