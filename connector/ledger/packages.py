"""What users handed in. The file itself lies beside the ledger, named by its SHA-256.

Where dispatchers of several computers share the ledger, its content is in the ledger too, in parts.
"""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from connector.errors import NotFound
from connector.ledger.schema import jobs, package_parts, packages
from connector.ledger.store import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRecord:
    """A package that was received whole."""

    sha256: str
    name: str
    size: int
    received_at: float


def add(db: Database, package: PackageRecord) -> None:
    """Record a package; the same content again is the same package, under its newest name."""
    values = {"name": package.name, "size": package.size, "received_at": package.received_at}
    if not db.execute(sa.update(packages).where(packages.c.sha256 == package.sha256).values(values)).rowcount:
        db.execute(sa.insert(packages).values(sha256=package.sha256, **values))


def get(db: Database, sha256: str) -> PackageRecord:
    """The package of this digest. Raises NotFound."""
    found = find(db, sha256)
    if found is None:
        raise NotFound(f"no package {sha256[:12]} has been received.", advice="Upload it first.")
    return found


def find(db: Database, sha256: str) -> PackageRecord | None:
    """The package of this digest; None where there is none, or none any more."""
    row = db.execute(sa.select(packages).where(packages.c.sha256 == sha256)).mappings().first()
    return PackageRecord(**row) if row else None


def listing(
    db: Database, *, among: Collection[str] | None = None, before: tuple[float, str] | None = None, limit: int = 50
) -> list[PackageRecord]:
    """Packages, those that were received last first: all, or those of jobs of the endpoints `among` these keys.

    `before` is when the last package of the page before was received, and its digest.
    """
    query = sa.select(packages).order_by(packages.c.received_at.desc(), packages.c.sha256.desc()).limit(limit)
    if among is not None:
        query = query.where(packages.c.sha256.in_(sa.select(jobs.c.package).where(jobs.c.endpoint.in_(among))))
    if before is not None:
        at, sha256 = before
        earlier = (packages.c.received_at == at) & (packages.c.sha256 < sha256)
        query = query.where((packages.c.received_at < at) | earlier)
    return [PackageRecord(**row) for row in db.execute(query).mappings()]


def coming(db: Database, sha256: str, *, at: float) -> None:
    """A package that may be known is received again: it is not too old from now on."""
    db.execute(sa.update(packages).where(packages.c.sha256 == sha256).values(received_at=at))


def set_part(db: Database, sha256: str, no: int, content: bytes) -> None:
    """Store a part of a package's content, counted from 0; the same part again changes nothing."""
    mine = (package_parts.c.sha256 == sha256) & (package_parts.c.no == no)
    if not db.execute(sa.update(package_parts).where(mine).values(content=content)).rowcount:
        db.execute(sa.insert(package_parts).values(sha256=sha256, no=no, content=content))


def part(db: Database, sha256: str, no: int) -> bytes | None:
    """A part of a package's content; None behind the last one."""
    mine = (package_parts.c.sha256 == sha256) & (package_parts.c.no == no)
    content: bytes | None = db.execute(sa.select(package_parts.c.content).where(mine)).scalar()
    return content
