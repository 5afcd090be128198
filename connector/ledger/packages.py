"""What users handed in. The file itself lies beside the ledger, named by its SHA-256."""

from dataclasses import dataclass

import sqlalchemy as sa

from connector.errors import NotFound
from connector.ledger.schema import packages
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
    row = db.execute(sa.select(packages).where(packages.c.sha256 == sha256)).mappings().first()
    if row is None:
        raise NotFound(f"no package {sha256[:12]} has been received.", advice="Upload it first.")
    return PackageRecord(**row)
