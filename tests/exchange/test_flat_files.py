"""Text files as the Data Import/Export Framework reads them: whatever a row holds comes back cell by cell, or is refused."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from workers.documents import FlatFormat, encoded, flat_header, flat_row
from workers.errors import Reject


def layout(*names: str) -> Layout:
    return Layout(step=1, entity="E", file="E.csv", table="E", columns=tuple(Column(name=name, field=name) for name in names))


def line(cells: list[str | None], *names: str, form: FlatFormat | None = None, formats: dict[str, str] | None = None) -> str:
    return flat_row(layout(*names), Row(2, cells), form=form or FlatFormat(), formats=formats or {})


cells = st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12), min_size=3, max_size=3)


@given(st.lists(cells, min_size=1, max_size=5), st.sampled_from([",", ";", "\t", "|"]))
def test_a_reader_of_the_format_finds_the_cells_again(rows, delimiter):
    form = FlatFormat(column_delimiter=delimiter, row_delimiter="\r\n")
    lines = [flat_header(layout("A", "B", "C"), form=form), *(line(row, "A", "B", "C", form=form) for row in rows)]
    text = encoded(lines, form=form).decode("utf-8")
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert found == [["A", "B", "C"], *rows]


def test_parts_of_an_account_stand_in_one_column():
    form = FlatFormat(chart_of_accounts_delimiter="-")
    names = ("JournalNum", "LedgerDimension.MainAccount", "LedgerDimension.Department", "Txt")
    assert flat_header(layout(*names), form=form) == "JournalNum,LedgerDimension,Txt\r\n"
    assert line(["J1", "110180", "OU_1", "a"], *names, form=form) == "J1,110180-OU_1,a\r\n"
    assert line(["J1", "", None, "a"], *names, form=form) == "J1,,a\r\n"


def test_numbers_and_dates_are_written_as_the_format_has_them():
    form = FlatFormat(column_delimiter=";", decimal_separator=",", date_format="%d.%m.%Y")
    formats = {"Amount": "decimal", "Date": "date"}
    assert (
        line(["1.50", "2011-01-31", "1.50"], "Amount", "Date", "Code", form=form, formats=formats) == "1,50;31.01.2011;1.50\r\n"
    )
    with pytest.raises(Reject, match="decimal"):
        line(["1,5"], "Amount", formats=formats)


def test_several_values_of_a_cell_are_joined_where_the_mapping_says_that_it_holds_several():
    assert line(["a\nb"], "A", formats={"A": "values"}) == "a;b\r\n"
    assert line(["a\nb"], "A") == '"a\nb"\r\n'  # an address is one text
    with pytest.raises(Reject, match="A: a value holds ';', which stands between values"):
        line(["a;b\nc"], "A", formats={"A": "values"})


def test_a_part_of_an_account_that_holds_the_delimiter_is_refused():
    with pytest.raises(Reject, match="LedgerDimension: a value holds '-'"):
        line(["110-180", "OU_1"], "LedgerDimension.MainAccount", "LedgerDimension.Department")
    assert line(["110-180"], "LedgerDimension") == "110-180\r\n"


def test_what_the_format_has_no_place_for_is_refused():
    with pytest.raises(Reject, match="code page cp1252"):
        line(["Łódź"], "A", form=FlatFormat(encoding="cp1252"))
    with pytest.raises(Reject, match="no text qualifier"):
        line(["a,b"], "A", form=FlatFormat(text_qualifier=""))
