"""Whether a submission can be accepted: its company, and whether it was made before. Pure."""

import hashlib
import json

from connector.errors import Conflict, Refused
from connector.ledger import endpoints, jobs


def digest(kind: jobs.JobKind, *asked: object) -> str:
    """What tells whether a submission that comes again asks for the same."""
    request = json.dumps([*asked, *([kind] if kind != jobs.JobKind.LOAD else [])], sort_keys=True)
    return hashlib.sha256(request.encode()).hexdigest()


def replayed(known: jobs.Job, asked: str) -> jobs.Job:
    """The job that was accepted under the same idempotency key. Raises Conflict where it asked for something else."""
    if known.request_digest != asked:
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
        raise Refused(f"{endpoint.name} has no company {company}.", advice=f"It has {', '.join(endpoint.companies)}.")
    return known.get(company.lower(), company)


def check_company(company: str) -> None:
    """Raises Refused for what no company can be named."""
    if not 1 <= len(company) <= 4 or not company.isalnum():
        raise Refused(f"{company!r} cannot be a company.", advice="A company (DataAreaId) has one to four letters or digits.")
