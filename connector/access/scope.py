"""Which endpoints, and so which jobs, somebody sees: those of their service instances. What they do not see is not there."""

from connector.access.principal import Principal
from connector.errors import NotAllowed, NotFound
from connector.ledger import Database, endpoints, jobs


def visible(db: Database, principal: Principal) -> frozenset[str] | None:
    """The keys of the endpoints that somebody sees; None: all, those that are gone as well."""
    if principal.service_instances is None:
        return None
    return frozenset(each.key for each in endpoints.every(db) if principal.sees(each.service_instance))


def check_endpoint(db: Database, principal: Principal, name: str) -> None:
    """Raises NotFound for an endpoint that somebody does not see. Whether there is one is told to those who see all."""
    keys = visible(db, principal)
    if keys is not None and name.lower() not in keys:
        raise NotFound(f"no endpoint is named {name}.", advice="See: rapidstart endpoint list")


def check_job(db: Database, principal: Principal, job_id: str) -> None:
    """Raises NotFound for a job of an endpoint that somebody does not see."""
    if principal.service_instances is None:
        return
    keys = visible(db, principal) or frozenset()
    if jobs.get(db, job_id).endpoint not in keys:
        raise NotFound(f"there is no job {job_id}.", advice="See them all: rapidstart job list")


def check_instance(principal: Principal, instance: str) -> None:
    """Raises NotAllowed where somebody would put an endpoint where they cannot see it."""
    if not principal.sees(instance):
        raise NotAllowed(f"you may not use the service instance {instance!r}.", advice="Name one of yours: rapidstart whoami")
