"""Whether a submission can be accepted: its company, and whether it was made before. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from connector.errors import Conflict, Refused
from connector.ledger import endpoints, jobs

#: What orders of the first version did not say.
_LATER: Final = frozenset({"stop_after"})


def asked(order: jobs.Order) -> dict[str, object]:
    """An order for its digest: what later versions ask besides is left out where it is not asked."""
    return {name: value for name, value in asdict(order).items() if value or name not in _LATER}


def digest(kind: jobs.JobKind, *wanted: object) -> str:
    """What tells whether a submission that comes again asks for the same."""
    request = json.dumps([*wanted, *([kind] if kind != jobs.JobKind.LOAD else [])], sort_keys=True)
    return hashlib.sha256(request.encode()).hexdigest()


def replayed(known: jobs.Job, wanted: str) -> jobs.Job:
    """The job that was accepted under the same idempotency key. Raises Conflict where it asked for something else."""
    if known.request_digest != wanted:
        raise Conflict(
            f"this idempotency key was used for {known.id}, which asked for something else.",
            advice="Use a new key for a new job.",
        )
    return known


def accepted_company(endpoint: endpoints.Endpoint, company: str | None) -> str:
    """The company as the endpoint spells it. Raises Refused where none is named, or the endpoint has no such company."""
    if not company:
        raise Refused("no company is named.", advice="Say which one the rows belong to: --company USMF")
    check_company(company)
    known = {name.lower(): name for name in endpoint.companies}
    if known and company.lower() not in known:
        advice = f"It has {', '.join(endpoint.companies)}."
        raise Refused(f"{endpoint.name} has no company {company}.", advice=advice, value=company)
    return known.get(company.lower(), company)


def check_virtual(virtual: Sequence[endpoints.VirtualCompany]) -> None:
    """Raises Refused for what no virtual company can be."""
    for each in virtual:
        for company in each.companies:
            check_company(company)
        if not each.name.strip() or len({company.casefold() for company in each.companies}) < 2:
            raise Refused(
                f"{each.name!r} cannot be a virtual company of {', '.join(each.companies) or 'none'}.",
                advice="Give it a name, and the companies that share it, two at least: VIR=USMF,DEMF",
            )


def check_company(company: str) -> None:
    """Raises Refused for what no company can be named."""
    if not 1 <= len(company) <= 4 or not company.isalnum():
        advice = "A company (DataAreaId) has one to four letters or digits."
        raise Refused(f"{company!r} cannot be a company.", advice=advice, value=company)
