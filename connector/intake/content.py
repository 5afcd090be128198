"""What a file is, by its bytes: extensions lie."""

import codecs
import zipfile
import zlib
from typing import Final, Literal

from connector.errors import PackageRefused, Place
from connector.intake.sources import Source, check_directory, reading

Kind = Literal["zip", "workbook", "xml", "text"]

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM: Final = "EncryptedPackage".encode("utf-16-le")
_GZIP: Final = b"\x1f\x8b"
_RAPIDSTART: Final = (
    "This is a configuration package of Dynamics NAV or Business Central (.rapidstart).",
    "Export its tables to an Excel workbook and hand that in.",
)
_OTHERS: Final = (
    (b"%PDF", "This is a PDF document.", "Hand in the table as CSV or XLSX."),
    (b"Rar!", "This is a RAR archive.", "Make a zip of its files."),
    (b"7z\xbc\xaf", "This is a 7-Zip archive.", "Make a zip of its files."),
)


def kind(source: Source) -> Kind:
    """What the file is. Raises PackageRefused, with what to hand in instead, where it is nothing that can be read."""
    head = source.head()
    if head.startswith(_ZIP):
        return _archive(source)
    if head.startswith(_OLE):
        raise _refused(source, *_compound(source))
    if head.startswith(_GZIP):
        raise _refused(source, *_gzip(head))
    for magic, what, advice in _OTHERS:
        if head.startswith(magic):
            raise _refused(source, what, advice)
    text = _readable(head)
    if text is None:
        raise _refused(
            source,
            "This is a binary file of an unknown kind (.dat and .def exports of AX are of this sort).",
            "Hand in CSV, XLSX, a zip of these, or a data package.",
        )
    if not text.lstrip().startswith("<"):
        return "text"
    if "<DataList" in text:
        raise _refused(source, *_RAPIDSTART)
    return "xml"


def _archive(source: Source) -> Kind:
    with source.random_access() as file:
        check_directory(file, name=source.name)
        with reading(source.name), zipfile.ZipFile(file) as archive:
            names = frozenset(archive.namelist())
    if "[Content_Types].xml" not in names:
        return "zip"
    if any(name.startswith("xl/workbook.") for name in names):
        return "workbook"
    raise _refused(source, "This is an Office document, but not a workbook.", "Hand in the table as CSV or XLSX.")


def _compound(source: Source) -> tuple[str, str]:
    # A workbook with a password is an encrypted stream inside the container that old Excel files used.
    with source.random_access() as file:
        file.seek(max(source.size - 65_536, 0))
        tail = file.read()
    if _ENCRYPTED_STREAM in tail or _ENCRYPTED_STREAM in source.head(65_536):
        return "The workbook is encrypted.", "Save it without a password."
    return "This is an old Excel file (.xls).", "Save it as .xlsx."


def _gzip(head: bytes) -> tuple[str, str]:
    try:
        inner = zlib.decompressobj(wbits=31).decompress(head, 4096)
    except zlib.error:
        inner = b""
    if "<DataList" in (_readable(inner) or ""):
        return _RAPIDSTART
    return "This is a gzip file.", "Unpack it and hand in what it holds."


def _readable(head: bytes) -> str | None:
    """The beginning as text, roughly; None when it is binary."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "ignore").removeprefix("\ufeff")
    if len(head) >= 2 and not any(head[1:64:2]) and all(head[0:64:2]):
        return head.decode("utf-16-le", "ignore")
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1a" for byte in head)
    # A stray NUL is an error in a text, which the reader tells with its line; many control characters are no text.
    return None if controls > len(head) // 20 + 8 else head.decode("utf-8", "replace").removeprefix("\ufeff")


def _refused(source: Source, what: str, advice: str) -> PackageRefused:
    return PackageRefused(what, advice=advice, place=Place(file=source.name))
