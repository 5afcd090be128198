"""What the API tells of an endpoint's sealing: shapes alone, as those in `connector.api`."""

from typing_extensions import TypedDict


class MachineKey(TypedDict):
    """The key of a machine of an endpoint; `heard_at` is when it last proved itself."""

    fingerprint: str
    machine: str
    admitted_at: str
    revoked_at: str | None
    heard_at: str | None


class Refused(TypedDict):
    """Messages that were refused for one reason: at the `dispatcher` (reports) or at a `worker` (orders, answers)."""

    at: str
    why: str
    count: int
    last_at: str
    last: str


class Sealing(TypedDict):
    """Whether messages to and from an endpoint are sealed, by which machines' keys, and what was refused."""

    sealed: bool
    keys: list[MachineKey]
    refused: list[Refused]
