"""A received package as it would be planned, without a job."""

import contextlib
from dataclasses import asdict
from typing import Any

from connector.dispatch import Dispatcher, dictionary, no_metadata
from connector.errors import PlanRefused
from connector.intake.package import open_package
from connector.intake.values import Package
from connector.ledger import Database, endpoints, packages
from connector.plan import inspect as planning
from connector.plan import mapping
from connector.plan.inspect import Inspection
from connector.wire.dictionary import Dictionary
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Metadata


def opened(dispatcher: Dispatcher, record: packages.PackageRecord) -> Package:
    """A package that was received. Its files are looked at, not read. Raises PackageRefused."""
    return open_package(dispatcher.package_path(record.sha256), name=record.name, limits=dispatcher.package_limits)


def inspect(
    dispatcher: Dispatcher,
    sha256: str,
    *,
    endpoint: str | None,
    mapping_text: str | None,
    mapping_name: str,
    mode: Mode,
    blank: Blank,
) -> dict[str, Any]:
    """What `found` tells, as JSON tells it. Raises as that does."""
    told = found(
        dispatcher, sha256, endpoint=endpoint, mapping_text=mapping_text, mapping_name=mapping_name, mode=mode, blank=blank
    )
    return asdict(told)


def found(
    dispatcher: Dispatcher,
    sha256: str,
    *,
    endpoint: str | None,
    mapping_text: str | None,
    mapping_name: str,
    mode: Mode,
    blank: Blank,
) -> Inspection:
    """Every match, guess and reason; with an endpoint against its services.

    Raises NotFound, PackageRefused, PlanRefused for a mapping that cannot be read, NotReachable where no metadata is known.
    """
    with dispatcher.ledger.read() as db:
        record = packages.get(db, sha256)
        metadata = _metadata(db, endpoint) if endpoint else None
    package = opened(dispatcher, record)
    text, name = (mapping_text, mapping_name) if mapping_text else (package.mapping_toml or "", "rapidstart.toml")
    said = mapping.parse(text, name)
    known = _dictionary(dispatcher, endpoint, package, metadata, said) if endpoint and metadata else None
    return planning.describe(package, metadata, mapping=said, mode=mode, blank=blank, dictionary=known)


def _dictionary(
    dispatcher: Dispatcher, endpoint: str, package: Package, metadata: Metadata, said: mapping.Mapping
) -> Dictionary | None:
    with contextlib.suppress(PlanRefused), dispatcher.ledger.read() as db:  # why it is refused, the description says
        return dictionary.of(db, endpoints.get(db, endpoint).key, package, metadata, mapping=said)
    return None


def _metadata(db: Database, name: str) -> Metadata:
    endpoint = endpoints.get(db, name)
    found = endpoints.metadata(db, endpoint.key)
    if found is None:
        raise no_metadata(endpoint)
    return found
