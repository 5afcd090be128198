"""One contract in every shape that servers and tools give contracts: it must be read alike, and judge rows alike."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from connector.wire.jobs import Target
from workers import aos
from workers.errors import GiveUp

CONTRACT = Path(__file__).parent / "conformance" / "contract"
ADDRESS = "http://aos01:8080/MicrosoftDynamicsAXAif60/PaymentSchedules/xppservice.svc"
XS = "{http://www.w3.org/2001/XMLSchema}"
DOCUMENT = "http://schemas.microsoft.com/dynamics/2008/01/documents/PaymSchedule"

SHARED = "http://schemas.microsoft.com/dynamics/2008/01/sharedtypes"

Folder = dict[str, bytes]


def original() -> Folder:
    return {file.name: file.read_bytes() for file in CONTRACT.iterdir()}


def zipped(folder: Folder) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in folder.items():
            archive.writestr(name, content)
    return packed.getvalue()


def port(folder: Folder) -> aos.Port:
    door, given = aos.Door(), zipped(folder)
    found = aos.read_metadata(door, [ADDRESS], contract_zip=given)
    target = Target(address=ADDRESS, port="p", service=found.services[0].name, contract=found.fingerprint)
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=given)


def document(*fields: str) -> bytes:
    rows = "\n".join(f'<PaymSched class="entity">{row}</PaymSched>' for row in fields)
    return f'<PaymSchedule xmlns="{DOCUMENT}">\n{rows}\n</PaymSchedule>'.encode()


SOUND = "<Active>Yes</Active><Name>N</Name><PaymentBy>Total</PaymentBy>"
ROWS = document(
    SOUND,
    "<Name>longer than ten</Name>",
    "<Active>Perhaps</Active><Name>N</Name>",
    "<Name>N</Name><Active>Yes</Active>",
    "<Active>Yes</Active>",
    f'{SOUND}<PaymSchedLine class="entity"><LineNum>x</LineNum></PaymSchedLine>',
    SOUND,
)
WRONG = [(3, "Name"), (4, "Active"), (5, "Active"), (6, "PaymSched"), (7, "LineNum")]


def flattened(folder: Folder) -> Folder:
    """All schemas inside the WSDL, importing each other by namespace alone."""
    schemas = "".join(_without_declaration(folder[name].decode()) for name in sorted(folder) if name.endswith(".xsd"))
    inline = re.sub(r' schemaLocation="[^"]*"', "", schemas)
    wsdl = re.sub(r"<xs:schema.*</xs:schema>", lambda _: inline, folder["service.wsdl"].decode(), count=1, flags=re.DOTALL)
    return {name: content for name, content in folder.items() if not name.endswith(".xsd")} | {"service.wsdl": wsdl.encode()}


def _without_declaration(text: str) -> str:
    return re.sub(r"^<\?xml[^>]*\?>", "", text)


def with_inherited_prefixes(folder: Folder) -> Folder:
    """Inline schemas whose prefixes stand on the WSDL's root, as some tools write them."""
    flat = flattened(folder)
    text = flat["service.wsdl"].decode()
    declared = f' xmlns:st="{SHARED}"'
    assert declared in text
    return flat | {
        "service.wsdl": text.replace(declared, "").replace("<wsdl:definitions", f"<wsdl:definitions{declared}", 1).encode()
    }


def in_two_schemas_of_one_namespace(folder: Folder) -> Folder:
    """The shared types in two inline schemas, which do not name each other."""
    return flattened(_halved(folder, "sharedtypes.xsd"))


def in_two_files_of_one_namespace(folder: Folder) -> Folder:
    """The shared types in two files, both of which the WSDL imports."""
    halved = _halved(folder, "sharedtypes.xsd")
    second = b'<xs:import namespace="%b" schemaLocation="sharedtypes.xsd.2.xsd"/>' % SHARED.encode()
    return halved | {"service.wsdl": halved["service.wsdl"].replace(b"</xs:schema>", second + b"</xs:schema>")}


def _halved(folder: Folder, name: str) -> Folder:
    first, second = etree.fromstring(folder[name]), etree.fromstring(folder[name])
    middle = len(first) // 2
    del first[middle:]
    del second[:middle]
    return folder | {name: etree.tostring(first), f"{name}.2.xsd": etree.tostring(second)}


def with_a_chameleon(folder: Folder) -> Folder:
    """The shared types in a file without a namespace, which takes the one of the schema that includes it."""
    shared = etree.fromstring(folder["sharedtypes.xsd"])
    namespace = shared.attrib.pop("targetNamespace")
    including = (
        f'<xs:schema xmlns:xs="{XS[1:-1]}" targetNamespace="{namespace}"><xs:include schemaLocation="types/all.xsd"/></xs:schema>'
    )
    plain = etree.tostring(shared).replace(f' xmlns:tns="{SHARED}"'.encode(), b"").replace(b'"tns:', b'"')
    return folder | {"sharedtypes.xsd": including.encode(), "types/all.xsd": plain}


def with_circles(folder: Folder) -> Folder:
    """Schemas that import and include each other in circles."""
    shared = folder["sharedtypes.xsd"].decode()
    start = shared.index(">", shared.index("<xs:schema")) + 1
    back = f'<xs:include schemaLocation="more.xsd"/><xs:import namespace="{DOCUMENT}" schemaLocation="paymschedule.xsd"/>'
    more = (
        f'<xs:schema xmlns:xs="{XS[1:-1]}" targetNamespace="{SHARED}"><xs:include schemaLocation="sharedtypes.xsd"/></xs:schema>'
    )
    return folder | {"sharedtypes.xsd": (shared[:start] + back + shared[start:]).encode(), "more.xsd": more.encode()}


def with_languages(folder: Folder) -> Folder:
    """Schemas that import the namespace of xml:lang, with its place at w3.org and without."""
    namespace = "http://www.w3.org/XML/1998/namespace"
    shaped = dict(folder)
    for name, place in (("sharedtypes.xsd", ""), ("fault.xsd", ' schemaLocation="http://www.w3.org/2001/xml.xsd"')):
        text = folder[name].decode()
        start = text.index(">", text.index("<xs:schema")) + 1
        used = '<xs:complexType name="Spoken"><xs:attribute ref="xml:lang"/></xs:complexType></xs:schema>'
        text = f'{text[:start]}<xs:import namespace="{namespace}"{place}/>{text[start:]}'
        shaped[name] = text.replace("</xs:schema>", used).encode()
    return shaped


def twice(folder: Folder) -> Folder:
    """The same shared types in two files, as tools write them that save each service's schemas."""
    second = b'<xs:import namespace="%b" schemaLocation="again.xsd"/>' % SHARED.encode()
    wsdl = folder["service.wsdl"].replace(b"</xs:schema>", second + b"</xs:schema>")
    return folder | {"service.wsdl": wsdl, "again.xsd": folder["sharedtypes.xsd"]}


def encoded(encoding: str, *, mark: bytes = b"") -> Callable[[Folder], Folder]:
    def shape(folder: Folder) -> Folder:
        texts = {name: content.decode() for name, content in folder.items()}
        named = {name: re.sub(r'encoding="[^"]*"', f'encoding="{encoding}"', text) for name, text in texts.items()}
        return {name: mark + text.replace("Payment schedule:", "Zahlungsplän:").encode(encoding) for name, text in named.items()}

    return shape


def in_capitals(folder: Folder) -> Folder:
    """Names whose case is not that of the imports, and folders: Windows does not mind."""
    return {name.upper(): content for name, content in folder.items()}


def with_backslashes(folder: Folder) -> Folder:
    """Folders as Windows writes them."""
    moved = {f"xsd\\{name}" if name.endswith(".xsd") else name: content for name, content in folder.items()}
    wsdl = re.sub(rb'schemaLocation="', rb'schemaLocation="xsd\\\\', folder["service.wsdl"])
    return moved | {"service.wsdl": wsdl}


SHAPES = [
    flattened,
    with_inherited_prefixes,
    in_two_schemas_of_one_namespace,
    in_two_files_of_one_namespace,
    with_a_chameleon,
    with_circles,
    with_languages,
    twice,
    in_capitals,
    with_backslashes,
    encoded("utf-16"),
    encoded("utf-8", mark=b"\xef\xbb\xbf"),
    encoded("iso-8859-1"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(shape.__qualname__))
def test_each_shape_is_read_alike_and_judges_alike(shape: Callable[[Folder], Folder]) -> None:
    whole, other = port(original()), port(shape(original()))
    assert [(problem.line, problem.element) for problem in whole.invalid(ROWS)] == WRONG
    assert other.invalid(ROWS) == whole.invalid(ROWS)
    assert other.service == whole.service or shape.__qualname__.startswith(("encoded", "twice"))
    assert other.service.document is not None
    assert whole.service.document is not None
    assert other.service.document.tables[0].order == whole.service.document.tables[0].order


def test_labels_keep_their_letters_whatever_the_encoding() -> None:
    found = port(encoded("iso-8859-1")(original())).service
    assert found.document is not None
    name = found.document.tables[0].field("Name")
    assert name is not None
    assert name.label == "Zahlungsplän"


def test_a_shape_that_only_a_place_tells_has_the_same_fingerprint() -> None:
    fingerprints = {
        aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=zipped(shape(original()))).fingerprint
        for shape in (dict, in_capitals, with_backslashes, encoded("utf-16"))
    }
    assert len(fingerprints) == 1  # labels, which the encodings change, do not enter it


@pytest.mark.parametrize("element", ["redefine", "override"])
def test_what_no_contract_needs_is_refused(element: str) -> None:
    folder = original()
    strange = f'<xs:{element} schemaLocation="http://elsewhere.example/x.xsd"/></xs:schema>'.encode()
    folder["sharedtypes.xsd"] = folder["sharedtypes.xsd"].replace(b"</xs:schema>", strange)
    with pytest.raises(GiveUp, match=f"uses {element}"):
        port(folder)
