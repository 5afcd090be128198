"""XML from outside: parsed as a stream, without document types, entities or network.

The only module here that makes a parser; nothing of a file stays in memory but the element at hand. The parser's own
ceilings on depth (256) and on one text (10 MB) stay on, and an element may take so many bytes and no more.
"""

from collections.abc import Iterator
from typing import IO, Final

from lxml import etree

from connector.errors import PackageRefused, Place

#: The most bytes of a document that is read whole: a manifest, the parts of a workbook that hold no cells.
_WHOLE_BYTES: Final = 50_000_000
_CHUNK: Final = 1 << 20


class _Metered:
    """A stream that ends in a refusal where one element takes more of it than any does."""

    def __init__(self, stream: IO[bytes], *, longest: int, place: Place) -> None:
        self._stream, self._longest, self._place = stream, longest, place
        self.spent = 0
        """bytes since the last element; whoever takes an element sets it to 0"""

    def read(self, size: int = -1) -> bytes:
        """As the stream's own. Raises PackageRefused."""
        if self.spent > self._longest:
            raise _too_long(self._longest, self._place)
        data = self._stream.read(size)
        self.spent += len(data)
        return data


def elements(stream: IO[bytes], tag: str, *, longest: int, place: Place, until: str = "") -> Iterator[etree._Element]:
    """Each element named `tag` (`{*}name`: in any namespace) when it is complete; it is emptied before the next one comes.

    The encoding is the parser's to find, from the bytes. Raises PackageRefused, also where an element (or what stands
    before it) takes more than `longest` bytes. `until`: the element, in any namespace, whose end is the end of all this.
    """
    metered = _Metered(stream, longest=longest, place=place)
    tags = (tag, f"{{*}}{until}") if until else tag
    parser = etree.iterparse(metered, events=("end",), tag=tags, resolve_entities=False, no_network=True, load_dtd=False)
    first = True
    try:
        for _, element in parser:
            if first:
                _refuse_doctype(element, place)
                first = False
            if until and local_name(element) == until:
                _read_out(stream)
                return
            yield element
            _forget(element)
            metered.spent = 0
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


def parse(stream: IO[bytes], *, place: Place) -> etree._Element:
    """A whole small document. Raises PackageRefused."""
    data = stream.read(_WHOLE_BYTES + 1)
    if len(data) > _WHOLE_BYTES:
        raise _too_long(_WHOLE_BYTES, place)
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


def _read_out(stream: IO[bytes]) -> None:
    """An archive proves at its entry's end that what was read of it is what was written."""
    while stream.read(_CHUNK):
        pass


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _refuse_doctype(element: etree._Element, place: Place) -> None:
    if element.getroottree().docinfo.doctype:
        raise PackageRefused("the XML declares a document type.", advice="Remove the DOCTYPE line.", place=place)


def _too_long(longest: int, place: Place) -> PackageRefused:
    return PackageRefused(
        f"one element of the XML is longer than {longest:,} bytes.", advice="Export or save the file again.", place=place
    )


def _malformed(error: etree.XMLSyntaxError, place: Place) -> PackageRefused:
    return PackageRefused(f"the XML is malformed: {error.msg}.", advice="Export or save the file again.", place=place)
