"""Data contracts of X++ classes as XML: members in alphabetical order, as a DataContractSerializer writes and wants them."""

from collections.abc import Iterable, Sequence

from lxml import etree

from workers.simulator import namespaces as ns
from workers.simulator.envelope import text

Member = str | int | bool | None
_C = f"{{{ns.APPLICATION}}}"
_NIL = f"{{{ns.XSI}}}nil"


def record(name: str, /, **members: Member | Sequence[str]) -> str:
    """One object. A member is a value, None (a null), or a list of elements that are written already."""
    parts = (_member(member, members[member]) for member in sorted(members))
    return f"<b:{name}>{''.join(parts)}</b:{name}>"


def _member(name: str, value: Member | Sequence[str]) -> str:
    if value is None:
        return f'<b:{name} i:nil="true"/>'
    if isinstance(value, bool):
        return f"<b:{name}>{'true' if value else 'false'}</b:{name}>"
    if isinstance(value, str | int):
        return f"<b:{name}>{text(str(value))}</b:{name}>"
    return f"<b:{name}>{''.join(value)}</b:{name}>"


def renamed(element: str, old: str, new: str) -> str:
    """An object as the member of another: there it has the member's name."""
    return f"<b:{new}>{element.removeprefix(f'<b:{old}>').removesuffix(f'</b:{old}>')}</b:{new}>"


def strings(values: Iterable[str]) -> list[str]:
    """The elements of a list of texts."""
    return [f'<a:string xmlns:a="{ns.ARRAYS}">{text(value)}</a:string>' for value in values]


def response(content: Iterable[str] | str) -> str:
    """The response element: a list of objects, or the inside of one object."""
    return f'<response xmlns:b="{ns.APPLICATION}" xmlns:i="{ns.XSI}">{"".join(content)}</response>'


def items(request: etree._Element | None, member: str, kind: str) -> list[etree._Element]:
    """The objects in a list: a parameter of a request, or a member of an object."""
    if request is None:
        return []
    holder = request.find(f"{{*}}{member}")
    return [] if holder is None else holder.findall(f"{_C}{kind}")


def texts(holder: etree._Element, member: str) -> list[str]:
    """A list of texts: a parameter of a request, or a member of an object."""
    found = holder.find(f"{{*}}{member}")
    return [] if found is None else [each.text or "" for each in found.findall(f"{{{ns.ARRAYS}}}string")]


def value(holder: etree._Element, member: str) -> str:
    """A text; absent and null are the empty one, as X++ has no null texts."""
    return holder.findtext(f"{{*}}{member}") or ""


def truth(holder: etree._Element, member: str) -> bool:
    """A boolean; absent is false."""
    return value(holder, member).strip() in {"true", "1"}


def number(holder: etree._Element, member: str) -> int:
    """A whole number; absent is 0."""
    return int(value(holder, member) or 0)
