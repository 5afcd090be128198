"""XML from outside: parsed as a stream, without document types, entities or network.

The only module here that makes a parser; nothing of a file stays in memory but the element at hand. The parser's own
ceilings on depth (256) and on one text (10 MB) stay on.
"""

from collections.abc import Iterator
from typing import IO

from lxml import etree

from connector.errors import PackageRefused, Place


def elements(stream: IO[bytes], tag: str, *, place: Place) -> Iterator[etree._Element]:
    """Each element named `tag` (`{*}name`: in any namespace) when it is complete; it is emptied before the next one comes.

    The encoding is the parser's to find, from the bytes. Raises PackageRefused.
    """
    parser = etree.iterparse(stream, events=("end",), tag=tag, resolve_entities=False, no_network=True, load_dtd=False)
    first = True
    try:
        for _, element in parser:
            if first:
                _refuse_doctype(element, place)
                first = False
            yield element
            _forget(element)
    except etree.XMLSyntaxError as error:
        raise _malformed(error, place) from error


def first_record(stream: IO[bytes], *, place: Place) -> str | None:
    """The name of the first element below the root. Raises PackageRefused."""
    parser = etree.iterparse(stream, events=("start",), resolve_entities=False, no_network=True, load_dtd=False)
    try:
        for _, element in parser:
            if element.getparent() is not None:
                _refuse_doctype(element, place)
                return local_name(element)
    except etree.XMLSyntaxError as error:
        raise _malformed(error, place) from error
    return None


def parse(data: bytes, *, place: Place) -> etree._Element:
    """A whole small document. Raises PackageRefused."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _malformed(error, place) from error
    _refuse_doctype(root, place)
    return root


def local_name(element: etree._Element) -> str:
    """An element's name without its namespace; "" for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _refuse_doctype(element: etree._Element, place: Place) -> None:
    if element.getroottree().docinfo.doctype:
        raise PackageRefused("the XML declares a document type.", advice="Remove the DOCTYPE line.", place=place)


def _malformed(error: etree.XMLSyntaxError, place: Place) -> PackageRefused:
    return PackageRefused(f"the XML is malformed: {error.msg}.", advice="Export or save the file again.", place=place)
