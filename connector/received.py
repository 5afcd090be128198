"""What the HTTP API says of the packages that were received, as types. Nothing here does anything."""

from typing_extensions import TypedDict


class PackageLine(TypedDict):
    """A package in a list: what is known of it without opening it."""

    sha256: str
    name: str
    size: int
    received_at: str


class PackagePage(TypedDict):
    """Packages, those that were received last first; `next` is the cursor of the page that follows."""

    items: list[PackageLine]
    next: str | None
