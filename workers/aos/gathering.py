"""The files of one port's contract, gathered from the port itself or from a zip, as parsed trees that import each other.

Every import is rewritten to a name in memory: neither zeep nor lxml ever opens a connection or a file for a contract.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from lxml import etree

from workers.aos.faults import refused_answer
from workers.aos.transport import Transport, origin
from workers.errors import GiveUp

WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
SOAP: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}"

#: Names of gathered files: `.invalid` can be no host (RFC 2606).
MEMORY: Final = "http://contract.invalid/"

MAX_FILES: Final = 400
MAX_BYTES: Final = 128_000_000
MAX_FILE: Final = 32_000_000

_IMPORTS: Final = {
    f"{WSDL}import": "location",
    f"{XSD}import": "schemaLocation",
    f"{XSD}include": "schemaLocation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A root WSDL and all that it imports. `trees` maps the name in memory to the parsed file."""

    root: str
    trees: dict[str, etree._Element]


def from_port(transport: Transport, address: str) -> Files:
    """The contract that the port at `address` serves at `?wsdl`. Raises Retry or GiveUp."""
    origin(address)

    def fetch(url: str) -> bytes:
        answer = transport.get(url)
        if answer.status != 200:
            raise refused_answer(answer, url)
        return answer.body

    start = f"{address.partition('?')[0]}?wsdl"
    return _gather(start, fetch, lambda base, location: _at_home(address, base, location))


def from_zip(contract: bytes) -> list[Files]:
    """The contracts in a zip of WSDL and XSD files: one for each WSDL with a service. Raises GiveUp."""
    contents = _unzipped(contract)

    def fetch(name: str) -> bytes:
        if name not in contents:
            raise GiveUp(f"The contract folder has no {name}.", advice="Add the file to the folder.", code="RSC-5921")
        return contents[name]

    wsdls = [name for name in sorted(contents) if name.lower().endswith(".wsdl")]
    roots = [name for name in wsdls if parse(contents[name], name=name).find(f"{WSDL}service") is not None]
    if not roots:
        raise GiveUp(
            "The contract folder holds no WSDL with a service.", advice="Give the folder with the root WSDL.", code="RSC-5921"
        )
    return [_gather(name, fetch, _beside) for name in roots]


def own_address(files: Files) -> str:
    """The address that the contract itself names for its port."""
    found = files.trees[files.root].iterfind(f"{WSDL}service/{WSDL}port/{SOAP}address")
    return next((element.get("location", "") for element in found), "")


def parse(content: bytes, *, name: str) -> etree._Element:
    """A file of a contract as a tree; document types and entities are refused. Raises GiveUp."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise GiveUp(f"{name} is not XML: {error.msg}.", advice="Open the address in a browser.", code="RSC-5922") from error
    if tree.getroottree().docinfo.doctype:
        raise GiveUp(f"{name} has a document type, which no contract needs.", advice="Check the address.", code="RSC-5922")
    return tree


def _gather(start: str, fetch: Callable[[str], bytes], resolve: Callable[[str, str], str]) -> Files:
    names = {start: MEMORY + "0"}
    trees: dict[str, etree._Element] = {}
    waiting, size = [start], 0
    while waiting:
        place = waiting.pop()
        content = fetch(place)
        size += len(content)
        if len(content) > MAX_FILE or size > MAX_BYTES or len(names) > MAX_FILES:
            raise GiveUp(f"The contract at {start} is too large.", advice="Check the address.", code="RSC-5923")
        tree = trees[names[place]] = parse(content, name=place)
        for element, attribute in _imports(tree):
            target = resolve(place, element.attrib[attribute])
            if target not in names:
                names[target] = f"{MEMORY}{len(names)}"
                waiting.append(target)
            element.attrib[attribute] = names[target]
    return Files(root=names[start], trees=trees)


def _imports(tree: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    for tag, attribute in _IMPORTS.items():
        for element in tree.iter(tag):
            if attribute in element.attrib:
                yield element, attribute


def _at_home(address: str, base: str, location: str) -> str:
    """The import on the address' own origin: an IIS port names itself by a host name that may not resolve here."""
    url = urljoin(base, location)
    origin(url)
    ours, theirs = urlsplit(address), urlsplit(url)
    return urlunsplit((ours.scheme, ours.netloc, theirs.path, theirs.query, ""))


def _beside(base: str, location: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(location)))


def _unzipped(contract: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(contract)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
                raise GiveUp("The contract folder is too large.", advice="Give the WSDL and XSD files alone.", code="RSC-5923")
            return {member.filename.replace("\\", "/"): archive.read(member) for member in members}
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # RuntimeError: encrypted, or packed by an unknown method
        raise GiveUp(
            f"The contract folder cannot be unpacked: {error}.", advice="Add the endpoint again.", code="RSC-5921"
        ) from error
