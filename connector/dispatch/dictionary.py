"""What AX's data dictionary says of the tables of a package, as far as it was imported from the endpoint."""

from collections.abc import Sequence

from connector import plan as planning
from connector.intake.values import Package
from connector.ledger import Database, dictionaries
from connector.plan.mapping import Mapping
from connector.wire.dictionary import Dictionary
from connector.wire.metadata import Metadata


def of(db: Database, endpoint: str, package: Package, metadata: Metadata, *, mapping: Mapping) -> Dictionary | None:
    """What is known of the tables that a package's rows go to; None where nothing was imported.

    `endpoint` is a key. Raises PlanRefused for entities that mean nothing there.
    """
    return excerpt(db, endpoint, planning.tables(package, metadata, mapping=mapping))


def excerpt(db: Database, endpoint: str, tables: Sequence[str]) -> Dictionary | None:
    """These tables, those that they are derived from, the enumerations of their fields, and all services.

    None where nothing was imported.
    """
    wanted = {name.casefold() for name in tables}
    while (found := dictionaries.known(db, endpoint, tables=sorted(wanted))) is not None:
        parents = {table.parent.casefold() for table in found.tables if table.parent} - wanted
        if not parents:
            return found
        wanted |= parents
    return None
