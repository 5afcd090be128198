"""What the HTTP API says of who may do what, and who did what, as types. Nothing here does anything."""

from enum import StrEnum
from typing import Any

from typing_extensions import TypedDict


class Role(StrEnum):
    """What somebody may do."""

    ADMINISTRATOR = "administrator"
    """everything"""
    OPERATOR = "operator"
    """load, steer jobs, pause and test endpoints"""
    VIEWER = "viewer"
    """look"""


class Identity(TypedDict):
    """Who asks, as it was proved. `service_instances` null: all of them."""

    name: str
    role: str
    service_instances: list[str] | None


class Token(TypedDict):
    """An API token, without its secret. `kind` is token, or local: that of a dispatcher's own computer."""

    key: str
    kind: str
    name: str
    role: str
    service_instances: list[str] | None
    made_at: str
    made_by: str
    expires_at: str | None
    used_at: str | None
    """within a minute"""


class NewToken(TypedDict):
    """A token that was just made. Its secret is told this once."""

    token: Token
    secret: str


class TokenPage(TypedDict):
    """Tokens, by name; `next` is the cursor of the page that follows."""

    items: list[Token]
    next: str | None


class Person(TypedDict):
    """Somebody who may sign in."""

    name: str
    role: str
    service_instances: list[str] | None
    has_password: bool
    made_at: str
    signed_in_at: str | None


class PersonPage(TypedDict):
    """People, by name; `next` is the cursor of the page that follows."""

    items: list[Person]
    next: str | None


class SigninLink(TypedDict):
    """A link that signs a person in, once. It is told this once."""

    name: str
    role: str
    url: str
    expires_at: str


class AuditLine(TypedDict):
    """A command that changed something: who (`name@address`; the name is proved), what, and on what."""

    at: str
    by: str
    what: str
    subject: str
    details: dict[str, Any]


class AuditPage(TypedDict):
    """Commands, the newest first; `next` is the cursor of the page that follows."""

    items: list[AuditLine]
    next: str | None
