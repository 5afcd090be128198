"""Whatever the bytes, a package is read or refused: no other error, and no path of this computer in a message."""

import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import PackageRefused
from connector.intake.package import count_rows, open_package
from connector.intake.values import Limits

NS = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"


def _workbook() -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Groups")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for row, values in enumerate([["A", "B"], ["01", 1.5], ["02", 40_000]]):
            sheet.write_row(row, 0, values, day if row == 2 else None)
    return data.getvalue()


def _zip(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def _manifest() -> bytes:
    entity = "<EntityName>E</EntityName><InputFilePath>e.xml</InputFilePath><ExecutionUnit>1</ExecutionUnit>"
    entity = f"<DataManagementPackageEntityData>{entity}</DataManagementPackageEntityData>"
    return f'<M xmlns="{NS}"><PackageEntityList>{entity}</PackageEntityList></M>'.encode("utf-16")


WHOLE = {
    "csv": b'A,B\n"1\n2",x\n3,\xc3\xa9\n',
    "workbook": _workbook(),
    "zip": _zip({"a.csv": b"A,B\n1,2\n", "b.xlsx": _workbook()}),
    "stored": _zip({"a.csv": b"A,B\n1,2\n", "b.xlsx": _workbook()}, zipfile.ZIP_STORED),
    "datapackage": _zip({"Manifest.xml": _manifest(), "e.xml": b"<D><E><A>1</A></E></D>"}, zipfile.ZIP_STORED),
}


def _with_sheet(xml: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(WHOLE["workbook"])) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    return _zip(parts | {"xl/worksheets/sheet1.xml": xml}, zipfile.ZIP_STORED)


@pytest.mark.parametrize("limits", [Limits(), Limits(fast_sheet_bytes=0)], ids=["fast", "streamed"])
@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(WHOLE)), data=st.data())
def test_damaged_packages_are_read_or_refused(tmp_path_factory, kind, data, limits) -> None:
    damaged = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged))) if data.draw(st.booleans()) else len(damaged)
    _read_or_refused(tmp_path_factory.mktemp("damaged") / "pack", bytes(damaged[:cut]), limits)


@pytest.mark.parametrize("limits", [Limits(), Limits(fast_sheet_bytes=0)], ids=["fast", "streamed"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_sheets_are_read_or_refused(tmp_path_factory, data, limits) -> None:
    with zipfile.ZipFile(io.BytesIO(WHOLE["workbook"])) as archive:
        xml = bytearray(archive.read("xl/worksheets/sheet1.xml"))
    start = xml.index(b"<sheetData>")
    for _ in range(data.draw(st.integers(1, 3))):
        xml[data.draw(st.integers(start, len(xml) - 1))] = data.draw(st.sampled_from(b'0129ABZ"<>/=seb-. '))
    _read_or_refused(tmp_path_factory.mktemp("damaged") / "pack", _with_sheet(bytes(xml)), limits)


def _read_or_refused(path: Path, data: bytes, limits: Limits) -> None:
    path.write_bytes(data)
    message = ""
    try:
        count_rows(open_package(path, limits=limits))
    except PackageRefused as refused:
        message = str(refused)
    assert str(path.parent) not in message
