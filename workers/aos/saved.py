"""A contract folder whose files import each other by the addresses that they came from, as Visual Studio saves them.

Such an address names no file of the folder; the namespace that is imported does. Pure: bytes in, bytes out.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from lxml import etree

from workers.aos.unfolding import WSDL, XSD
from workers.errors import GiveUp

_IMPORTS: Final = {f"{WSDL}import": "location", f"{XSD}import": "schemaLocation"}

Contents = Mapping[str, bytes]
Parse = Callable[[bytes, str], etree._Element]


def led_to_files(contents: Contents, *, parse: Parse) -> dict[str, bytes]:
    """The files by name, each import of an address led to the file of the namespace that it imports. Raises GiveUp.

    Nothing changes where no WSDL imports an address.
    """
    wsdls = (parse(content, name) for name, content in contents.items() if name.endswith(".wsdl"))
    if not any(True for wsdl in wsdls for _ in _by_address(wsdl)):
        return dict(contents)
    trees = {name: parse(content, name) for name, content in contents.items()}
    places: dict[tuple[str, str], list[str]] = {}
    for name, tree in trees.items():
        places.setdefault((etree.QName(tree).localname, tree.get("targetNamespace", "")), []).append(name)
    for name, tree in trees.items():
        for element in list(_by_address(tree)):
            sort = "definitions" if element.tag == f"{WSDL}import" else "schema"
            found = places.get((sort, element.get("namespace", "")), [])
            place = posixpath.relpath(_only(found, element), posixpath.dirname(name) or ".")
            element.set(_IMPORTS[str(element.tag)], quote(place))
    return {name: etree.tostring(tree, encoding="utf-8", xml_declaration=True) for name, tree in trees.items()}


def _by_address(tree: etree._Element) -> Iterator[etree._Element]:
    for element in tree.iter(*_IMPORTS):
        if urlsplit(element.get(_IMPORTS[str(element.tag)], "")).scheme in ("http", "https"):
            yield element


def _only(found: list[str], element: etree._Element) -> str:
    if len(found) == 1:
        return found[0]
    raise GiveUp(
        f"The contract folder has {'several files' if found else 'no file'} for {element.get('namespace') or 'no namespace'}, "
        "which is imported by an address.",
        advice="Save the port's WSDL and XSD files so that they import each other by file name.",
        code="RSC-5921",
    )
