"""What a file is, is told by its bytes; what is no package is refused with what to hand in instead."""

import gc
import gzip
import os
import warnings
import zipfile
from pathlib import Path

import pytest

from connector.errors import PackageRefused
from connector.intake.package import count_rows, open_package
from connector.intake.values import Limits

SHARED = Path(os.environ.get("RAPIDSTART_SHARED", Path(__file__).parents[3] / "shared"))

OPEN_FILES = Path("/proc/self/fd")


def zipped(path: Path, files: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_zip_and_a_folder_of_the_same_files_are_the_same_package(tmp_path: Path) -> None:
    files = {"10 Customers.csv": "A,B\n1,2\n", "2 Groups.csv": "C\nx\n", "sub/Terms.txt": "D;E\n5;6\n", "README.md": "hello"}
    files["rapidstart.toml"] = '[table."2 Groups"]\ntarget = "CustGroup"\n'
    folder = tmp_path / "pack"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    one, other = open_package(folder), open_package(zipped(tmp_path / "pack.zip", files))
    for package in (one, other):
        assert [action.file for action in package.actions] == ["2 Groups.csv", "10 Customers.csv", "sub/Terms.txt"]
        assert [action.entity for action in package.actions] == ["2 Groups", "10 Customers", "Terms"]
        assert package.mapping_toml == files["rapidstart.toml"]
        assert package.notices == ("README.md is not read: it is not a table.",)
    assert (one.format, other.format) == ("folder", "zip")
    assert [list(a.rows()) for a in one.actions] == [list(a.rows()) for a in other.actions]


def test_litter_of_operating_systems_is_not_mentioned(tmp_path: Path) -> None:
    package = open_package(zipped(tmp_path / "a.zip", {"a.csv": "A\n1\n", "__MACOSX/._a.csv": b"\0\1", ".DS_Store": b"\0\1"}))
    assert (len(package.actions), package.notices) == (1, ())


REFUSED = {
    "old.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel file (.xls)"),
    "secret.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    "config.zip": (gzip.compress("\ufeff<DataList ProductVersion='1'/>".encode("utf-16-le")), ".rapidstart"),
    "config.xml": (b"\xef\xbb\xbf<DataList/>", ".rapidstart"),
    "table.csv.gz": (gzip.compress(b"A,B\n1,2\n"), "gzip"),
    "alone.xml": (b"<Document><A/></Document>", "XML file on its own"),
    "export.dat": (bytes(range(256)) * 4, "binary file of an unknown kind"),
    "paper.csv": (b"%PDF-1.7 ...", "PDF"),
    "cut.zip": (b"PK\x03\x04 and then nothing", "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_formats_are_refused_by_what_they_are(tmp_path: Path, name: str) -> None:
    data, message = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PackageRefused) as refused:
        open_package(tmp_path / name)
    assert message in str(refused.value)
    assert refused.value.advice
    assert str(tmp_path) not in str(refused.value)


def test_an_office_document_and_a_zip_in_a_zip_are_refused(tmp_path: Path) -> None:
    letter = zipped(tmp_path / "a.docx", {"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"})
    with pytest.raises(PackageRefused, match="not a workbook"):
        open_package(letter)
    inner = zipped(tmp_path / "inner.zip", {"a.csv": "A\n1\n"}).read_bytes()
    with pytest.raises(PackageRefused, match="zip inside"):
        open_package(zipped(tmp_path / "outer.zip", {"inner.zip": inner}))


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "C:/a.csv", "..\\a.csv"])
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageRefused, match="leads outside"):
        open_package(zipped(tmp_path / "a.zip", {name: "A\n1\n"}))


def test_bombs_are_refused_before_they_are_inflated(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "a.zip", {"a.csv": b"A\n" + b"0" * 20_000_000})
    with pytest.raises(PackageRefused, match="more than 200 times its size"):
        open_package(bomb)
    with pytest.raises(PackageRefused, match="inflates to"):
        open_package(bomb, limits=Limits(inflated_bytes=1_000_000))
    many = zipped(tmp_path / "b.zip", {f"{number}.csv": "A\n1\n" for number in range(11)})
    with pytest.raises(PackageRefused, match="more than 10"):
        open_package(many, limits=Limits(entries=10))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="more than once"):
        open_package(zipped(tmp_path / "a.zip", {"a.csv": "A\n1\n", "A.CSV": "A\n2\n"}))


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": "A\n1\n"})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(PackageRefused, match="encrypted"):
        open_package(path)


def test_a_damaged_entry_is_refused_where_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": "A,B\n" + "1,2\n" * 50}, zipfile.ZIP_STORED)
    data = path.read_bytes().replace(b"1,2\n1,2\n", b"1,2\n9,9\n", 1)
    path.write_bytes(data)
    with pytest.raises(PackageRefused, match="damaged"):
        count_rows(open_package(path))


def test_a_package_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="holds no table"):
        open_package(zipped(tmp_path / "a.zip", {"README.md": "hello"}))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample packages are not beside this checkout")
def test_real_packages_are_read_to_the_last_row() -> None:
    samples = SHARED / "packages" / "samples"
    counts = {}
    for path in sorted(samples.iterdir()):
        if path.suffix != ".rapidstart":
            counts[path.name] = count_rows(open_package(path))
    assert counts == {
        "PackageTemplate.zip": (0,),
        "bcapps-BC14Customer.csv": (8,),
        "bcapps-BC14PaymentTerms.csv": (2,),
        "bcapps-SLBCGLAccount.csv": (382,),
        "fasttrack-01-CustomersV3Export-Customers V3.csv": (3,),
        "fasttrack-JournalLines.xlsx": (2,),
        "fasttrack-Projects.xlsx": (1,),
    }


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system does not list a process' open files in /proc")
@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
def test_no_file_stays_open_when_a_package_is_done_with(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # what tests of other rooms left in this process is not told of this one
    files = {f"{number}.csv": "A,B\n1,2\n" for number in range(3)}
    package = open_package(zipped(tmp_path / "a.zip", files))
    rows = package.actions[0].rows()
    next(rows)
    assert count_rows(package) == (1, 1, 1)
    del package, rows
    gc.collect()
    held = [link.resolve() for link in OPEN_FILES.iterdir() if link.exists()]
    assert not [path for path in held if path.is_relative_to(tmp_path)]


def test_many_files_are_opened_in_reasonable_time(tmp_path: Path) -> None:
    package = open_package(zipped(tmp_path / "a.zip", {f"{number} x.csv": f"A,B\n{number},2\n" for number in range(1500)}))
    assert [next(action.rows()).cells[0] for action in package.actions] == [str(number) for number in range(1500)]
