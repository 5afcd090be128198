"""AX's data dictionary of each endpoint: laid aside slice by slice while it is imported, in use once an import is complete.

What is in use belongs to no job; what an import under way has brought belongs to its job, and nobody asks for it.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

import sqlalchemy as sa

from connector.ledger.schema import Words, metadata
from connector.ledger.store import Database
from connector.wire.dictionary import DataEnum, DataTable, DeclaredClass, DeclaredService, Dictionary

entries = sa.Table(
    "dictionary_entries",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("job", Words, primary_key=True),
    sa.Column("kind", Words, primary_key=True),
    sa.Column("key", Words, primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("label", Words, nullable=False),
    sa.Column("language", Words, nullable=False),
    sa.Column("imported_at", sa.Float, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

#: The job of what is in use.
_IN_USE: Final = ""
#: Names in one question: SQLite takes some 32,000, PostgreSQL 65,535.
_AT_ONCE: Final = 1000
#: Kinds of operations of document services that write.
_WRITES: Final = frozenset({"Create", "Update", "Delete"})

Thing: TypeAlias = DataTable | DataEnum | DeclaredService | DeclaredClass
T = TypeVar("T", DataTable, DataEnum, DeclaredService, DeclaredClass)


class Kind(StrEnum):
    """What an entry is."""

    TABLE = "table"
    ENUM = "enum"
    SERVICE = "service"
    CLASS = "class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A table, enumeration, service or class that is known, without its contents."""

    kind: Kind
    name: str
    label: str
    """of a service: the name by which ports offer it"""
    language: str
    imported_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How much of a kind is known, in which language its labels are, and when the newest of it was imported."""

    kind: Kind
    count: int
    language: str
    imported_at: float


#: Asked each time that batches may leave, and made once: making a statement costs more than running it.
_DECLARED: Final = sa.select(entries.c.content).where(
    entries.c.endpoint == sa.bindparam("of_endpoint"),
    entries.c.job == _IN_USE,
    entries.c.kind == Kind.SERVICE,
    (entries.c.key == sa.bindparam("of_key")) | (entries.c.label == sa.bindparam("of_name")),
)


def keep(db: Database, endpoint: str, dictionary: Dictionary, *, at: float) -> None:
    """Put a whole dictionary in use, in place of what was known of the endpoint. `endpoint` is a key, as everywhere here."""
    stage(db, endpoint, dictionary, job="whole", at=at)
    adopt(db, endpoint, job="whole", replaced=tuple(Kind))


def stage(db: Database, endpoint: str, part: Dictionary, *, job: str, at: float) -> None:
    """Lay a slice of an import aside. A slice that comes twice takes the place of itself."""
    for kind, things in _things(part):
        named = {thing.name.casefold(): thing for thing in things}
        for keys in _portions(list(named)):
            db.execute(sa.delete(entries).where(*_of(endpoint, job, kind), entries.c.key.in_(keys)))
            made = [{"key": key, **_values(named[key])} for key in keys]
            common = {"endpoint": endpoint, "job": job, "kind": kind, "language": part.language, "imported_at": at}
            db.execute(sa.insert(entries), [{**common, **values} for values in made])


def adopt(db: Database, endpoint: str, *, job: str, replaced: Sequence[Kind]) -> None:
    """Put in use what an import laid aside: in place of all that was known of the `replaced` kinds, of others beside it."""
    newer = entries.alias("newer")
    anew = sa.exists().where(
        newer.c.endpoint == endpoint, newer.c.job == job, newer.c.kind == entries.c.kind, newer.c.key == entries.c.key
    )
    outdated = entries.c.kind.in_(replaced) | anew
    db.execute(sa.delete(entries).where(entries.c.endpoint == endpoint, entries.c.job == _IN_USE, outdated))
    db.execute(sa.update(entries).where(entries.c.endpoint == endpoint, entries.c.job == job).values(job=_IN_USE))


def discard(db: Database, endpoint: str, *, but: str = _IN_USE) -> None:
    """Drop what imports of an endpoint laid aside and never completed; what job `but` laid aside stays."""
    db.execute(sa.delete(entries).where(entries.c.endpoint == endpoint, entries.c.job.not_in((_IN_USE, but))))


def forget(db: Database, endpoint: str) -> None:
    """Drop all that is known of an endpoint."""
    db.execute(sa.delete(entries).where(entries.c.endpoint == endpoint))


def known(db: Database, endpoint: str, *, tables: Sequence[str] | None = None) -> Dictionary | None:
    """The dictionary in use; None where nothing was imported.

    With `tables` (names in any case) those of them that are known, the enumerations of their fields and all services;
    without it everything, which may be thousands of tables.
    """
    if not db.execute(sa.select(entries.c.key).where(entries.c.endpoint == endpoint, entries.c.job == _IN_USE).limit(1)).first():
        return None
    found = _read(db, endpoint, Kind.TABLE, DataTable, tables)
    enums = None if tables is None else sorted({field.enum for table in found for field in table.fields if field.enum})
    return Dictionary(
        language=_language(db, endpoint),
        tables=tuple(found),
        enums=tuple(_read(db, endpoint, Kind.ENUM, DataEnum, enums)),
        services=tuple(_read(db, endpoint, Kind.SERVICE, DeclaredService)),
        classes=tuple(_read(db, endpoint, Kind.CLASS, DeclaredClass, None if tables is None else ())),
    )


def thing(db: Database, endpoint: str, kind: Kind, name: str) -> Thing | None:
    """The table, enumeration, service or class of this name, in any case of letters; None where it is not known."""
    content = db.execute(_contents(endpoint, kind).where(entries.c.key == name.casefold())).scalar()
    if content is None:
        return None
    text = zlib.decompress(content)
    match kind:
        case Kind.TABLE:
            return DataTable.model_validate_json(text)
        case Kind.ENUM:
            return DataEnum.model_validate_json(text)
        case Kind.SERVICE:
            return DeclaredService.model_validate_json(text)
        case Kind.CLASS:
            return DeclaredClass.model_validate_json(text)


def carries_out_again(db: Database, endpoint: str, service: str) -> bool:
    """Whether AX says of a document service that it carries out a write again whose MessageId it has seen.

    `service`: the name by which ports offer it. False where nothing, or the opposite, is known.
    """
    named = {"of_endpoint": endpoint, "of_key": service.casefold(), "of_name": service}
    contents = db.execute(_DECLARED, named).scalars()
    found = [DeclaredService.model_validate_json(zlib.decompress(content)) for content in contents]
    return any(each.idempotent is False and each.kind in _WRITES for one in found for each in one.operations)


def search(db: Database, endpoint: str, kind: Kind, *, text: str = "", after: str = "", limit: int = 1000) -> list[Entry]:
    """What is known of a kind, by name: all, or what has `text` in name or label. `after` is the last name of a page."""
    query = sa.select(*(entries.c[name] for name in Entry.__slots__)).where(*_of(endpoint, _IN_USE, kind))
    query = query.where(entries.c.key > after.casefold()).order_by(entries.c.key).limit(limit)
    if text:
        named = entries.c.key.contains(text.casefold(), autoescape=True)
        query = query.where(named | entries.c.label.icontains(text, autoescape=True))
    return [Entry(**{**row, "kind": Kind(row["kind"])}) for row in db.execute(query).mappings()]


def holdings(db: Database, endpoint: str) -> list[Holding]:
    """What is known of an endpoint, kind by kind; nothing where nothing was imported."""
    newest = sa.func.max(entries.c.imported_at).label("imported_at")
    query = sa.select(entries.c.kind, sa.func.count().label("count"), sa.func.max(entries.c.language).label("language"), newest)
    query = query.where(entries.c.endpoint == endpoint, entries.c.job == _IN_USE).group_by(entries.c.kind)
    found = [Holding(**{**row, "kind": Kind(row["kind"])}) for row in db.execute(query).mappings()]
    return sorted(found, key=lambda holding: list(Kind).index(holding.kind))


def _language(db: Database, endpoint: str) -> str:
    """Of the newest import that brought labels."""
    query = sa.select(entries.c.language).where(entries.c.endpoint == endpoint, entries.c.job == _IN_USE)
    labelled = query.where(entries.c.kind.in_((Kind.TABLE, Kind.ENUM))).order_by(entries.c.imported_at.desc()).limit(1)
    return str(db.execute(labelled).scalar() or "")


def _read(db: Database, endpoint: str, kind: Kind, form: type[T], names: Sequence[str] | None = None) -> list[T]:
    """The things of a kind, by name: all, or those of these names."""
    query = _contents(endpoint, kind).order_by(entries.c.key)
    if names is None:
        contents = list(db.execute(query).scalars())
    else:
        keys = sorted({name.casefold() for name in names})
        contents = [each for some in _portions(keys) for each in db.execute(query.where(entries.c.key.in_(some))).scalars()]
    return [form.model_validate_json(zlib.decompress(content)) for content in contents]


def _contents(endpoint: str, kind: Kind) -> sa.Select[bytes]:
    return sa.select(entries.c.content).where(*_of(endpoint, _IN_USE, kind))


def _things(part: Dictionary) -> Iterator[tuple[Kind, Sequence[Thing]]]:
    yield Kind.TABLE, part.tables
    yield Kind.ENUM, part.enums
    yield Kind.SERVICE, part.services
    yield Kind.CLASS, part.classes


def _values(thing: Thing) -> dict[str, object]:
    label = thing.external_name if isinstance(thing, DeclaredService) else getattr(thing, "label", "")
    return {"name": thing.name, "label": label, "content": zlib.compress(thing.model_dump_json(exclude_defaults=True).encode())}


def _of(endpoint: str, job: str, kind: Kind) -> tuple[sa.ColumnElement[bool], ...]:
    return entries.c.endpoint == endpoint, entries.c.job == job, entries.c.kind == kind


def _portions(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
