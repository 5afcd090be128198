"""Addresses of services on the AOS itself: net.tcp://HOST:8201/DynamicsAx/Services/NAME.

The AOS tells the contract of such a service by HTTP, on the port that is 100 lower (8101 for 8201, and so on by instance).
Where an installation chose another one, the address says it: ...?wsdl=8105. Nothing of that query goes to the AOS.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from workers.errors import GiveUp

SCHEME: Final = "net.tcp"
#: What the address means where it names no port.
DEFAULT_PORT: Final = 808
#: An AOS takes net.tcp on 8200 + instance and tells contracts on 8100 + instance.
_APART: Final = 100
_QUERY: Final = re.compile(r"wsdl=([0-9]{1,5})")


def is_one(address: str) -> bool:
    """Whether an address is one of net.tcp."""
    return address[: len(SCHEME) + 3].lower() == f"{SCHEME}://"


def place(address: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises GiveUp for what is no such address."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != SCHEME or not parts.hostname or parts.username is not None or _said(parts.query) == 0:
        raise GiveUp(
            "The address is not one of a service on net.tcp.",
            advice="Register the endpoint with an address like net.tcp://aos:8201/DynamicsAx/Services/Name.",
            code="RSC-5903",
        )
    return SCHEME, parts.hostname.lower(), port or DEFAULT_PORT


def via(address: str) -> str:
    """The address as the AOS knows it: without what the query says to us."""
    return address.partition("?")[0]


def contract_address(address: str) -> str:
    """Where the AOS tells the contract of the service at this address. Raises GiveUp."""
    _, host, port = place(address)
    parts = urlsplit(address)
    told = _said(parts.query) or port - _APART
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{told}{parts.path}"


def _said(query: str) -> int | None:
    """The port in a query; None where there is no query, 0 where it is none of ours."""
    if not query:
        return None
    found = _QUERY.fullmatch(query)
    return int(found[1]) if found and 0 < int(found[1]) < 65_536 else 0
