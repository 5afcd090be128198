"""How the contract of a service says that it is called over net.tcp: streamed or not, and under which account it runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lxml import etree

_POLICY: Final = "{http://schemas.microsoft.com/ws/2006/05/framing/policy}"
_UPN: Final = "{http://schemas.xmlsoap.org/ws/2006/02/addressingidentity}Upn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a channel to a service must know beside its address."""

    streamed: bool = False
    """messages travel in chunks, each call on a connection of its own"""
    upn: str = ""
    """the account that the AOS runs under, as user@domain; "" where the contract does not tell"""


def told_by(trees: Iterable[etree._Element]) -> Way:
    """The way that the files of one port's contract tell."""
    found = list(trees)
    streamed = any(next(tree.iter(f"{_POLICY}Streamed"), None) is not None for tree in found)
    upns = [element.text.strip() for tree in found for element in tree.iter(_UPN) if element.text]
    return Way(streamed=streamed, upn=upns[0] if upns else "")
