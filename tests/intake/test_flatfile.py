"""CSV files arrive exactly as written, each row with the line where it starts."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import PackageRefused
from connector.intake.package import count_rows, open_package

CELL = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_characters="\ufeff", exclude_categories=("Cs", "Cc")), st.sampled_from("\t\r\n")
    ),
    max_size=12,
)


def opened(tmp_path: Path, data: bytes, name: str = "Customer groups.csv"):
    path = tmp_path / name
    path.write_bytes(data)
    return open_package(path)


def rows(package, index: int = 0) -> list[tuple[int, list[str | None]]]:
    return [(row.number, row.cells) for row in package.actions[index].rows()]


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(st.tuples(CELL, CELL, CELL), max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_every_cell_arrives_as_it_was_written(tmp_path_factory, cells, delimiter, encoding, ending) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([("Group", "Name", "Terms"), *cells])
    package = opened(tmp_path_factory.mktemp("csv"), text.getvalue().encode(encoding))
    assert package.actions[0].columns == ("Group", "Name", "Terms")
    expected = [list(row) for row in cells if any(map(str.strip, row))]
    assert [cells for _, cells in rows(package)] == expected
    assert rows(package) == rows(package)


def test_rows_carry_the_line_where_they_start(tmp_path: Path) -> None:
    package = opened(tmp_path, b'\n\nA,B\n1,"two\nlines"\n\n3,4\n , \n"5\r\n\r\n",6\n7,8\n')
    assert rows(package) == [(4, ["1", "two\nlines"]), (7, ["3", "4"]), (9, ["5\r\n\r\n", "6"]), (12, ["7", "8"])]


def test_leading_zeros_decimals_dates_and_blanks_stay(tmp_path: Path) -> None:
    package = opened(tmp_path, b'Code;Rate;Day;Name\n000010;"0,5";2015/08/05;GL SUSPENSE   \n')
    assert rows(package) == [(2, ["000010", "0,5", "2015/08/05", "GL SUSPENSE   "])]


def test_text_that_is_not_utf8_is_windows_1252_with_a_notice(tmp_path: Path) -> None:
    package = opened(tmp_path, "By;Land\nKøbenhavn;€\n".encode("cp1252"))
    assert rows(package) == [(2, ["København", "€"])]
    assert "Windows-1252" in package.notices[0]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_utf16_and_a_byte_order_mark_are_no_part_of_the_first_caption(tmp_path: Path, encoding: str) -> None:
    bom = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE, "utf-8": codecs.BOM_UTF8}[encoding]
    package = opened(tmp_path, bom + "No.,Ü\r\n01,ß\r\n".encode(encoding))
    assert (package.actions[0].columns, rows(package)) == (("No.", "Ü"), [(2, ["01", "ß"])])
    assert package.notices == ()


def test_utf16_without_a_mark_is_recognised(tmp_path: Path) -> None:
    package = opened(tmp_path, "No.,Name\r\n01,ß\r\n".encode("utf-16-le"))
    assert rows(package) == [(2, ["01", "ß"])]


def test_a_single_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, b"Code\n0001\n0002\n")) == [(2, ["0001"]), (3, ["0002"])]


def test_the_entity_is_the_stem_of_the_name_the_user_gave(tmp_path: Path) -> None:
    path = tmp_path / "a1b2c3.bin"
    path.write_bytes(b"A,B\n1,2\n")
    package = open_package(path, name="Payment terms.csv")
    assert (package.name, package.actions[0].entity, package.actions[0].file) == (
        "Payment terms.csv",
        "Payment terms",
        "Payment terms.csv",
    )


REFUSED = {
    "ragged": (
        b"A,B\n1,2\n3\n4,5\n6,7,8\n",
        "row 3: the header has 2 columns, but the record here has 1. Lines that do not fit: 3, 5.",
    ),
    "two of one name": (b"A,B,A\n1,2,3\n", "two columns are named 'A'"),
    "no name": (b"A,,C\n1,2,3\n", "column 2 has no name"),
    "NUL": (b"A,B\n1,2\n3,\x004\n", "row 3: there is a NUL"),
    "open quote": (b'A,B\n1,"2\n3,4\n', "row 2: the record cannot be read as CSV"),
    "text after a quote": (b'A,B\n1,2\n"3"x,4\n', "row 3: the record cannot be read as CSV"),
    "empty": (b"", "no line of column names"),
    "blank": (b"\n \n\n", "no line of column names"),
    "not even Windows-1252": (b"A,B\n\x81\xff,2\n", "not text in the file's encoding"),
    "cut UTF-16": (codecs.BOM_UTF16_LE + "A,B\n1,2".encode("utf-16-le")[:-1], "not valid utf-16"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_file_and_line(tmp_path: Path, case: str) -> None:
    data, message = REFUSED[case]
    with pytest.raises(PackageRefused) as refused:
        count_rows(opened(tmp_path, data))
    assert message in str(refused.value)
    assert refused.value.place.file == "Customer groups.csv"
    assert str(tmp_path) not in str(refused.value)
