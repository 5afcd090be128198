"""What the HTTP API says where it refuses something (RFC 9457), as types: what happened, where, and what to do next."""

from typing_extensions import TypedDict


class Place(TypedDict):
    """Where in a package something is."""

    file: str | None
    sheet: str | None
    row: int | None
    field: str | None


class Detail(Place):
    """One thing that is wrong: in the request, where `pointer` leads as /limits/hours, or at a place of a package.

    `value` is what is refused there, as text; None where it is no single value, not known, or a secret.
    """

    pointer: str | None
    message: str
    value: str | None


class Problem(TypedDict):
    """An error: `errors` are the things that are wrong, one by one, as far as they have a place."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    advice: str
    place: Place
    errors: list[Detail]
