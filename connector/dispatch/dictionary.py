"""What AX's data dictionary says of the tables of a package, as far as it was imported from the endpoint."""

from connector import plan as planning
from connector.intake.values import Package
from connector.ledger import Database, dictionaries
from connector.plan.mapping import Mapping
from connector.wire.dictionary import Dictionary
from connector.wire.metadata import Metadata


def of(db: Database, endpoint: str, package: Package, metadata: Metadata, *, mapping: Mapping) -> Dictionary | None:
    """The tables that its rows go to and those they are derived from, and all services; None where nothing was imported.

    `endpoint` is a key. Raises PlanRefused for entities that mean nothing there.
    """
    wanted = {name.casefold() for name in planning.tables(package, metadata, mapping=mapping)}
    while (found := dictionaries.known(db, endpoint, tables=sorted(wanted))) is not None:
        parents = {table.parent.casefold() for table in found.tables if table.parent} - wanted
        if not parents:
            return found
        wanted |= parents
    return None
