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

from workers.aos import nettcp, saved, unfolding
from workers.aos.faults import refused_answer
from workers.aos.transport import Transport, origin
from workers.aos.unfolding import WSDL, XSD
from workers.errors import GiveUp

__all__ = ["MEMORY", "SOAP", "SOAP_12", "WSDL", "XSD", "Files", "from_port", "from_zip", "imported", "own_address", "parse"]

SOAP: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}"
SOAP_12: Final = "{http://schemas.xmlsoap.org/wsdl/soap12/}"

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
#: What would bring in other files by a way that is not followed here.
_REFUSED: Final = (f"{XSD}redefine", f"{XSD}override", "{http://www.w3.org/2001/XInclude}*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A root WSDL and all that it imports. `trees` maps the name in memory to the parsed file."""

    root: str
    trees: dict[str, etree._Element]


def from_port(transport: Transport, address: str) -> Files:
    """The contract that the port at `address` serves at `?wsdl`; one on net.tcp tells it by HTTP. Raises Retry or GiveUp."""
    home = nettcp.contract_address(address) if nettcp.is_one(address) else address.partition("?")[0]
    origin(home)

    def fetch(url: str) -> bytes:
        answer = transport.get(url)
        if answer.status != 200:
            raise refused_answer(answer, url)
        return answer.body

    return _Gathering(f"{home}?wsdl", fetch, lambda base, location: _at_home(home, base, location)).files()


def from_zip(contract: bytes) -> list[Files]:
    """The contracts in a zip of WSDL and XSD files: one for each WSDL with a service. Raises GiveUp."""
    contents = saved.led_to_files(_unzipped(contract), parse=lambda content, name: parse(content, name=name))

    def fetch(name: str) -> bytes:
        if name.casefold() not in contents:
            raise GiveUp(f"The contract folder has no {name}.", advice="Add the file to the folder.", code="RSC-5921")
        return contents[name.casefold()]

    wsdls = [name for name in sorted(contents) if name.endswith(".wsdl")]
    roots = [name for name in wsdls if parse(contents[name], name=name).find(f"{WSDL}service") is not None]
    if not roots:
        raise GiveUp(
            "The contract folder holds no WSDL with a service.", advice="Give the folder with the root WSDL.", code="RSC-5921"
        )
    return [_Gathering(name, fetch, _beside).files() for name in roots]


def own_address(files: Files) -> str:
    """The address that the contract itself names for its port."""
    ports = list(files.trees[files.root].iterfind(f"{WSDL}service/{WSDL}port"))
    found = [element for soap in (SOAP, SOAP_12) for port in ports for element in port.iterfind(f"{soap}address")]
    return found[0].get("location", "") if found else ""


def imported(tree: etree._Element) -> Iterator[str]:
    """The places that a file of a contract imports."""
    return (str(element.attrib[attribute]) for element, attribute in _imports(tree))


def parse(content: bytes, *, name: str) -> etree._Element:
    """A file of a contract as a tree; document types and entities are refused. Raises GiveUp."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise GiveUp(f"{name} is not XML: {error.msg}.", advice="Open the address in a browser.", code="RSC-5922") from error
    if tree.getroottree().docinfo.doctype:
        raise GiveUp(f"{name} has a document type, which no contract needs.", advice="Check the address.", code="RSC-5922")
    strange = next(tree.iter(*_REFUSED), None)
    if strange is not None:
        used = etree.QName(strange).localname
        raise GiveUp(f"{name} uses {used}, which no AX contract does.", advice="Check the address.", code="RSC-5922")
    return tree


class _Gathering:
    """Follows imports from a first file. `fetch` brings a place's content, `resolve` the place that an import names."""

    def __init__(self, start: str, fetch: Callable[[str], bytes], resolve: Callable[[str, str], str]) -> None:
        self._start = start
        self._fetch = fetch
        self._resolve = resolve
        self._contents: dict[str, bytes] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._waiting: list[tuple[str, str]] = []
        self._trees: dict[str, etree._Element] = {}

    def files(self) -> Files:
        """All that the first file imports, unfolded."""
        root = self._name(self._start, "")
        while self._waiting:
            place, lent = self._waiting.pop()
            tree = self._trees[self._names[place, lent]]
            for element, attribute in _imports(tree):
                if unfolding.is_of_xml(element):
                    del element.attrib[attribute]
                    continue
                target = self._resolve(place, element.attrib[attribute])
                lends = unfolding.namespace(tree) if element.tag == f"{XSD}include" else ""
                element.attrib[attribute] = self._name(target, lends)
        files = Files(root=root, trees=self._trees)
        unfolding.unfold(files.trees, name=lambda number: f"{MEMORY}{number}")
        return files

    def _name(self, place: str, lent: str) -> str:
        """The name in memory of a file; `lent` is the namespace of a schema that includes it, for one that has none."""
        if (place, lent) in self._names:
            return self._names[place, lent]
        tree = parse(self._content(place), name=place)
        if tree.tag == f"{XSD}schema" and not tree.get("targetNamespace") and lent:
            tree = unfolding.lend(tree, lent)
        elif lent:
            return self._name(place, "")
        self._names[place, lent] = name = f"{MEMORY}{len(self._names)}"
        self._trees[name] = tree
        self._waiting.append((place, lent))
        return name

    def _content(self, place: str) -> bytes:
        if place not in self._contents:
            content = self._contents[place] = self._fetch(place)
            size = sum(map(len, self._contents.values()))
            if len(content) > MAX_FILE or size > MAX_BYTES or len(self._contents) > MAX_FILES:
                raise GiveUp(f"The contract at {self._start} is too large.", advice="Check the address.", code="RSC-5923")
        return self._contents[place]


def _imports(tree: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    for tag, attribute in _IMPORTS.items():
        for element in tree.iter(tag):
            if attribute in element.attrib:
                yield element, attribute


def _at_home(address: str, base: str, location: str) -> str:
    """The import on the address' own origin: an IIS port names itself by a host name that may not resolve here.

    A port's pages differ in their query alone (`?xsd=xsd0`), so they are also asked on the address' own path: a proxy may
    have put something in front of it.
    """
    if "\\" in location:
        origin(location)  # refused: to Windows it is a path to another computer
    url = urljoin(base, location)
    origin(url)
    ours, theirs = urlsplit(address), urlsplit(url)
    is_page = theirs.query and posixpath.basename(theirs.path).lower() == posixpath.basename(ours.path).lower()
    return urlunsplit((ours.scheme, ours.netloc, ours.path if is_page else theirs.path, theirs.query, ""))


def _beside(base: str, location: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(location).replace("\\", "/")))


def _unzipped(contract: bytes) -> dict[str, bytes]:
    """The files of a zip by name, whose case does not matter: it was made on Windows, as like as not."""
    try:
        with zipfile.ZipFile(io.BytesIO(contract)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
                raise GiveUp("The contract folder is too large.", advice="Give the WSDL and XSD files alone.", code="RSC-5923")
            return {member.filename.replace("\\", "/").casefold(): archive.read(member) for member in members}
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # RuntimeError: encrypted, or packed by an unknown method
        raise GiveUp(
            f"The contract folder cannot be unpacked: {error}.", advice="Add the endpoint again.", code="RSC-5921"
        ) from error
