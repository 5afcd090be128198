"""Another program than Excel opens the workbook: it draws the charts, and what it saves is still known row by row."""

import shutil
import subprocess

import openpyxl
import pytest

from connector.wire.reports import Problem
from tests.dispatch.shop import Shop

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed (Debian: libreoffice-calc)"),
]

#: Names that a program which guesses would take for numbers, dates or formulas.
NAMES = ("-12.50", "007", "=1+1", "'quoted", "1E5", "2024-01-02", " both ends ", "TRUE", "+49", "_x0041_", "two\nlines", "@home")


@pytest.fixture
def convert(tmp_path):
    """Has LibreOffice open a file and write it anew, in the same form or another."""

    def run(path, form):
        folder = tmp_path / f"as-{form}"
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = ["soffice", profile, "--headless", "--convert-to", form, "--outdir", str(folder), str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=170)
        return folder / f"{path.stem}.{form}"

    return run


@pytest.fixture
def load(desk, tmp_path):
    """A load of which every second row failed, and its workbook."""
    shop = Shop(desk)
    lines = ["CustGroup,Name", *(f'{number:04},"{name}"' for number, name in enumerate(NAMES))]
    job = shop.load(CustGroup=lines)
    for start in range(0, len(NAMES), 2):
        value = NAMES[start] if NAMES[start].startswith("=") else NAMES[start + 1]
        wrong = Problem(row=1, message="No.", advice="Correct it.", code="RSC-1", column="Name", value=value)
        desk.settle(job, "cf", problems=(wrong,))
    path = tmp_path / f"{job}.xlsx"
    desk.client.workbook(job, path)
    return shop, job, path


def test_what_libreoffice_saved_takes_up_the_same_rows(load, convert):
    shop, job, path = load
    before = openpyxl.load_workbook(path)["CustGroup"]
    saved = convert(path, "xlsx")
    after = openpyxl.load_workbook(saved)
    cells = [[[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in (before, after["CustGroup"])]
    assert cells[0] == cells[1]
    assert after["RapidStart"].sheet_state != "visible"
    assert after["CustGroup"].auto_filter.ref
    assert before.freeze_panes == "B2"
    package = shop.desk.client.upload(saved, name="fixed.xlsx")
    again = shop.plan(shop.desk.client.reload(job, package=package["sha256"])["id"])
    assert shop.travelling(again) == [(1, row) for row in sent_rows()]
    assert shop.cells(again) == [[f"{number:04}", name] for number, name in enumerate(NAMES) if number % 2]


def sent_rows():
    """Where every second name stands: one of them takes two lines of the file."""
    line, found = 2, []
    for number, name in enumerate(NAMES):
        if number % 2:
            found.append(line)
        line += 1 + name.count("\n")
    return found


def test_libreoffice_computes_nothing_of_the_page(load, tmp_path):
    shop, job, _ = load
    path = tmp_path / f"{job}.html"
    shop.desk.client.workbook(job, path, form="html")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    reads = "--infilter=HTML (StarCalc)"
    command = ["soffice", profile, "--headless", reads, "--convert-to", "xlsx", "--outdir", str(tmp_path / "page"), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=170)
    cells = [cell for row in openpyxl.load_workbook(tmp_path / "page" / f"{job}.xlsx").active.iter_rows() for cell in row]
    assert "=1+1" in {cell.value for cell in cells}
    assert [cell.value for cell in cells if cell.data_type == "f"] == []


@pytest.mark.skipif(not shutil.which("pdftoppm"), reason="pdftoppm is not installed (Debian: poppler-utils)")
def test_the_charts_are_drawn(load, convert, tmp_path):
    _, _, path = load
    printed = convert(path, "pdf")
    subprocess.run(["pdftoppm", "-r", "50", "-f", "1", "-l", "1", str(printed), str(tmp_path / "page")], check=True, timeout=60)
    (page,) = tmp_path.glob("page*.ppm")
    pixels = page.read_bytes()
    for colour in (b"\x2e\x7d\x32", b"\xc6\x28\x28"):  # created and failed, in the ring
        assert pixels.count(colour) > 100
