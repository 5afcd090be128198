"""Changes what is told of an endpoint that is registered."""

import time
from dataclasses import dataclass, fields, replace

from connector.dispatch import accepting
from connector.dispatch.dispatcher import Dispatcher
from connector.ledger import audit, endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is told anew of an endpoint, each as a whole; what is None stays as it was."""

    addresses: tuple[str, ...] | None = None
    companies: tuple[str, ...] | None = None
    partition: str | None = None
    database: str | None = None
    scope: str | None = None
    virtual_companies: tuple[endpoints.VirtualCompany, ...] | None = None
    service_instance: str | None = None
    not_idempotent: tuple[str, ...] | None = None
    contract: bytes | None = None

    def given(self) -> dict[str, object]:
        """What is told, but for the contract, which is no part of what is shown of an endpoint."""
        told = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "contract"}
        return {name: value for name, value in told.items() if value is not None}


def change(dispatcher: Dispatcher, name: str, wanted: Change, *, by: str = audit.ITSELF) -> endpoints.Endpoint:
    """Change a registered endpoint; nobody is contacted. Of other addresses, or another contract, nothing is known yet.

    Raises NotFound, Refused, and Conflict while it has unfinished jobs, which were planned for what it was. Only what is said
    of repeated calls may change then.
    """
    for company in wanted.companies or ():
        accepting.check_company(company)
    accepting.check_virtual(wanted.virtual_companies or ())
    if wanted.database is not None:
        wanted = replace(wanted, database=wanted.database.lower())
    with dispatcher.ledger.write() as db:
        known = endpoints.get(db, name)
        endpoints.change(db, known, wanted.given(), contract=wanted.contract)
        audit.note(db, "endpoint change", by=by, subject=known.key, at=time.time(), details=_told(wanted))
        changed = endpoints.get(db, name)
    if changed.addresses != known.addresses:
        dispatcher.gate.breakers.answered(known.key, at=time.time())  # what did not answer was somebody else
    return changed


def _told(wanted: Change) -> dict[str, object]:
    """What the audit keeps of a change."""
    told = wanted.given()
    if wanted.virtual_companies is not None:
        told["virtual_companies"] = tuple(each.name for each in wanted.virtual_companies)
    return told | ({"contract": "another one"} if wanted.contract else {})
