"""Packages that are made to exhaust a computer are refused with a sentence, in little memory.

Each is opened, and read to its end, by a process of its own that may have half a gigabyte and not more.
"""

import io
import json
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.errors import PackageRefused
from connector.intake.package import open_package
from connector.intake.values import Limits

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

READER = """
import json, pathlib, resource, sys
from connector.errors import PackageRefused
from connector.intake.package import count_rows, open_package
resource.setrlimit(resource.RLIMIT_AS, (600_000_000,) * 2)
try:
    said = {"rows": count_rows(open_package(pathlib.Path(sys.argv[1])))}
except PackageRefused as refused:
    said = {"refused": str(refused), "advice": refused.advice}
print(json.dumps(said))
"""


def _write(path: Path, parts: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(parts)


def _columns(path: Path) -> None:
    _write(path, (b"".join(b"c%d," % number for number in range(n, n + 1000)) for n in range(0, 10_000_000, 1000)))


def _few_columns_too_many(path: Path) -> None:
    path.write_text(",".join(f"c{number}" for number in range(20_000)) + "\n")


def _cell(path: Path) -> None:
    _write(path, (chunk for part in ([b"A,B\n1,"], [b"x" * MEGABYTE] * 1000) for chunk in part))


def _quoted_lines(path: Path) -> None:
    _write(path, (chunk for part in ([b"A,B\n1,"], [b'"\n",' * (MEGABYTE // 4)] * 600) for chunk in part))


def _cells(path: Path) -> None:
    _write(path, (chunk for part in ([b"A,B\n1,2\n"], [b"," * MEGABYTE] * 300) for chunk in part))


def _directory(path: Path) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = 4_000_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, count * len(entry), 4, 0)
    _write(path, (chunk for part in ([b"PK\3\4"], [entry * 1000] * (count // 1000), [end]) for chunk in part))


def _directory_64(path: Path) -> None:
    _directory(path)
    with path.open("r+b") as file:
        at = file.seek(-22, io.SEEK_END)
        size = at - 4
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, size // 47, size // 47, size, 4))
        file.write(struct.pack("<4sLQL", b"PK\6\7", 0, at, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


def _book(
    path: Path, *, sheet: Iterator[bytes], sheets: Iterator[bytes] | None = None, strings: Iterator[bytes] | None = None
) -> None:
    """A workbook of one sheet, stored as it is: nothing in it looks odd by its ratio."""
    one = f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets><sheet name="A" sheetId="1" r:id="r1"/>'.encode()
    links = "".join(
        f'<Relationship Id="{key}" Type="{LINKS}/{kind}" Target="{target}"/>'
        for key, kind, target in (("r1", "worksheet", "s.xml"), ("r2", "sharedStrings", "t.xml"))
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        _entry(archive, "xl/workbook.xml", iter([one, *(sheets or ()), b"</sheets></workbook>"]))
        _entry(archive, "xl/t.xml", strings or iter([f'<sst xmlns="{MAIN}"/>'.encode()]))
        _entry(archive, "xl/s.xml", sheet)


def _entry(archive: zipfile.ZipFile, name: str, parts: Iterator[bytes]) -> None:
    with archive.open(name, "w") as file:
        for part in parts:
            file.write(part)


def _sheet(*rows: bytes) -> Iterator[bytes]:
    yield f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
    yield b'<row r="1"><c t="str"><v>A</v></c></row>'
    yield from rows
    yield b"</sheetData></worksheet>"


def _cells_of_a_sheet(path: Path) -> None:
    _book(path, sheet=_sheet(b'<row r="2">', *([b"<c/>" * (MEGABYTE // 4)] * 300), b"</row>"))


def _text_of_a_sheet(path: Path) -> None:
    _book(path, sheet=_sheet(b'<row r="2"><c t="str"><v>', *([b"x" * MEGABYTE] * 300), b"</v></c></row>"))


def _before_the_rows(path: Path) -> None:
    parts = (f'<worksheet xmlns="{MAIN}"><cols>'.encode(), *([b"<col/>" * (MEGABYTE // 6)] * 300), b"</cols></worksheet>")
    _book(path, sheet=iter(parts))


def _sheets(path: Path) -> None:
    _book(path, sheet=_sheet(), sheets=iter([b'<sheet name="B" sheetId="2" r:id="r1"/>' * 25_000] * 300))


def _strings(path: Path) -> None:
    texts = iter([f'<sst xmlns="{MAIN}"><si>'.encode(), *([b"<r><t>x</t></r>" * 60_000] * 300), b"</si></sst>"])
    _book(path, sheet=_sheet(b'<row r="2"><c t="s"><v>0</v></c></row>'), strings=texts)


NS = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"
MANIFEST = (
    f'<M xmlns="{NS}"><PackageEntityList><DataManagementPackageEntityData><EntityName>E</EntityName>'
    "<InputFilePath>e.xml</InputFilePath></DataManagementPackageEntityData></PackageEntityList></M>"
)


def _package(path: Path, parts: Iterator[bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("Manifest.xml", MANIFEST)
        _entry(archive, "e.xml", parts)


def _fields_of_a_record(path: Path) -> None:
    _package(path, iter([b"<D><E>", *([b"<A/>" * (MEGABYTE // 4)] * 300), b"</E></D>"]))


def _fields_of_many_records(path: Path) -> None:
    records = (b"".join(b"<E><A%d>1</A%d></E>" % (n, n) for n in range(k, k + 1000)) for k in range(0, 40_000, 1000))
    _package(path, (chunk for part in (iter([b"<D>"]), records, iter([b"</D>"])) for chunk in part))


def _entities(path: Path) -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    _package(path, iter([f'<!DOCTYPE D [<!ENTITY l0 "ha">{levels}]><D><E><A>&l9;</A></E></D>'.encode()]))


def _foreign_file(path: Path) -> None:
    _package(path, iter([b'<!DOCTYPE D [<!ENTITY f SYSTEM "file:///etc/passwd">]><D><E><A>&f;</A></E></D>']))


BOMBS: dict[str, tuple[Callable[[Path], None], str]] = {
    "ten million columns": (_columns, "row 1: the record is longer than 8,000,000 characters"),
    "more columns than a sheet has": (_few_columns_too_many, "the table has 20,000 columns, more than 16,384"),
    "a gigabyte in a cell": (_cell, "row 2: the record is longer than 8,000,000 characters"),
    "a cell of many lines": (_quoted_lines, "the record is longer than 8,000,000 characters"),
    "millions of cells": (_cells, "row 3: the record is longer than 8,000,000 characters"),
    "four million files": (_directory, "the zip's list of its files alone has 188,000,000 bytes"),
    "four million files, as large archives tell it": (_directory_64, "the zip's list of its files alone has 188,000,000 bytes"),
    "millions of cells in a row of a sheet": (_cells_of_a_sheet, "one element of the XML is longer than 8,000,000 bytes"),
    "an endless text in a sheet": (_text_of_a_sheet, "sheet A"),
    "no rows at all in a long sheet": (_before_the_rows, "one element of the XML is longer than 8,000,000 bytes"),
    "millions of sheets": (_sheets, "one element of the XML is longer than 50,000,000 bytes"),
    "an endless shared text": (_strings, "one element of the XML is longer than 8,000,000 bytes"),
    "millions of fields in a record": (_fields_of_a_record, "one element of the XML is longer than 8,000,000 bytes"),
    "each record with a field of its own": (_fields_of_many_records, "columns, more than 16,384"),
    "entities within entities": (_entities, "document type"),
    "an entity that is another file": (_foreign_file, "document type"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no process' memory this way")
@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path, name: str) -> None:
    make, sentence = BOMBS[name]
    path = tmp_path / "package"
    make(path)
    done = subprocess.run([sys.executable, "-c", READER, path], capture_output=True, text=True, cwd=ROOT, check=False)
    path.unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert sentence in said.get("refused", ""), said
    assert said["advice"]
    assert str(tmp_path) not in done.stdout


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(PackageRefused, match="link to another file"):
        open_package(tmp_path / "a.zip")


def test_what_stands_behind_the_rows_of_a_sheet_may_be_long_and_is_proved(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    rest = [b"<conditionalFormatting/>" * 40_000] * 12
    rows = _sheet(b'<row r="2"><c t="str"><v>x</v></c></row>')
    _book(path, sheet=iter([*list(rows)[:-1], b"</sheetData>", *rest, b"</worksheet>"]))
    streamed = Limits(fast_sheet_bytes=0)
    (action,) = open_package(path, limits=streamed).actions
    assert [row.cells for row in action.rows()] == [["x"]]
    damaged = path.read_bytes().replace(b"<v>x</v>", b"<v>y</v>")
    path.write_bytes(damaged)
    with pytest.raises(PackageRefused, match="damaged"):
        list(open_package(path, limits=streamed).actions[0].rows())
