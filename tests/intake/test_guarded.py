"""What a spreadsheet would compute is written behind an apostrophe, and comes back as it was."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.intake import guarded
from connector.intake.package import open_package

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.text("=+-@'\t\r\n0123456789,.x ", max_size=6),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)


@given(TEXTS)
def test_any_text_comes_back_and_nothing_is_computed(text):
    written = guarded.guarded(text)
    assert guarded.bare(written) == text
    assert not written.startswith(("=", "+", "@", "\t", "\r"))
    if written.startswith("-"):
        assert written[1:2].isdigit()


@pytest.mark.parametrize("text", ["-1", "-1.5", "-1,000.50", "0", "12", "", "a=b"])
def test_numbers_and_plain_texts_stay_as_they_are(text):
    assert guarded.guarded(text) == text


@pytest.mark.parametrize("text", ["-1+cmd|' /C calc'!A0", "-", "--1", "-x", "'", "'-1", "=1"])
def test_what_is_no_number_is_guarded(text):
    assert guarded.guarded(text) == f"'{text}"


@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_a_guarded_file_is_read_as_it_was(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("guarded") / "results.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([guarded.TITLE, "Value"])
        writer.writerows(["here", guarded.guarded(text)] for text in texts)
    (action,) = open_package(path).actions
    assert [row.cells[1] for row in action.rows()] == texts


def test_other_files_keep_their_apostrophes(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("Id,Value\n1,'=x\n", encoding="utf-8")
    (action,) = open_package(path).actions
    assert [row.cells for row in action.rows()] == [["1", "'=x"]]
