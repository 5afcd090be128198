"""What the HTTP API says of registrations and of machines' logins at the broker: shapes alone, as those in `connector.api`."""

from typing import NotRequired

from typing_extensions import TypedDict


class DeviceCode(TypedDict):
    """A registration that was begun (RFC 8628, 3.2). `endpoint` is what it would be called, `means` what it would be."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int
    endpoint: str
    means: str


class Credentials(TypedDict):
    """What a machine is given, once; `letter` is its login, sealed for its key.

    `trouble` says why that does not work yet; "": it does.
    """

    endpoint: str
    service_instance: str
    letter: str
    dispatcher_key: str
    trouble: str


class DeviceError(TypedDict):
    """Why a machine is given nothing yet, or ever (RFC 8628, 3.5)."""

    error: str
    error_description: str
    interval: NotRequired[int]


class Letter(TypedDict):
    """A sealed letter for a machine; "": there is nothing to say."""

    letter: str


class KnownKey(TypedDict):
    """A key that a registration would replace."""

    fingerprint: str
    machine: str
    heard_at: str | None


class Activation(TypedDict):
    """A registration that waits for an administrator. What the machine says of itself is proved by nobody."""

    user_code: str
    endpoint: str
    means: str
    replaces: KnownKey | None
    machine: str
    service_host: str
    aos_instance: str
    addresses: list[str]
    companies: list[str]
    partition: str
    account: str
    version: str
    fingerprint: str
    address: str
    started_at: str
    expires_at: str
    service_instance: str | None
    """that of the endpoint, where it is known"""


class Decision(TypedDict):
    """What was decided of a registration."""

    endpoint: str
    decision: str
    told: str


class Registration(TypedDict):
    """A one-time token by which a script registers a machine, without its secret."""

    key: str
    service_instance: str
    endpoint: str
    made_by: str
    made_at: str
    expires_at: str


class NewRegistration(TypedDict):
    """A one-time token that was just made. Its secret is told this once."""

    token: Registration
    secret: str


class RegistrationPage(TypedDict):
    """One-time tokens that are still good, the oldest first; `next` is the cursor of the page that follows."""

    items: list[Registration]
    next: str | None


class LoginCommand(TypedDict):
    """A command for a broker that the dispatcher may not administer. It holds digests, and no password."""

    machine: str
    fingerprint: str
    login: str
    command: str


class LoginCommands(TypedDict):
    """Those of all machines of an endpoint."""

    items: list[LoginCommand]


class Revoked(TypedDict):
    """The machines that are trusted no more."""

    items: list[KnownKey]
