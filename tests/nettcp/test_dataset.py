"""DataSets as .NET may write them: rows within rows, old values beside the rows, dates of every kind, names with escapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.aos import dataset

HEAD = (
    '<R><xs:schema id="D" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:msdata="urn:schemas-microsoft-com:xml-msdata">'
    '<xs:element name="D" msdata:IsDataSet="true"><xs:complexType><xs:choice minOccurs="0" maxOccurs="unbounded">{}</xs:choice>'
    "</xs:complexType></xs:element></xs:schema>"
    '<d:diffgram xmlns:d="urn:schemas-microsoft-com:xml-diffgram-v1" xmlns:msdata="urn:schemas-microsoft-com:xml-msdata">{}'
    "</d:diffgram></R>"
)


def table(name: str, *columns: str) -> str:
    return (
        f'<xs:element name="{name}"><xs:complexType><xs:sequence>{"".join(columns)}</xs:sequence></xs:complexType></xs:element>'
    )


def column(name: str, kind: str = "string", more: str = "") -> str:
    return f'<xs:element name="{name}" type="xs:{kind}" minOccurs="0" {more}/>'


def page(tables: str, rows: str) -> dataset.Page:
    return dataset.read(HEAD.format(tables, rows).encode())


@pytest.mark.parametrize(
    ("mode", "text", "meant"),
    [
        ("", "2012-01-01T00:00:00+01:00", "2012-01-01T00:00:00"),
        ("", "2012-01-01T00:00:00.1234567-08:00", "2012-01-01T00:00:00.1234567"),
        ("Unspecified", "2012-01-01T00:00:00", "2012-01-01T00:00:00"),
        ("UnspecifiedLocal", "2012-01-01T00:00:00Z", "2012-01-01T00:00:00"),
        ("Utc", "2012-01-01T00:00:00Z", "2012-01-01T00:00:00Z"),
        ("Local", "2012-01-01T00:00:00+01:00", "2011-12-31T23:00:00Z"),
        ("Local", "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00"),
    ],
)
def test_a_time_is_what_the_clock_of_ax_showed(mode: str, text: str, meant: str):
    said = f'msdata:DateTimeMode="{mode}"' if mode else ""
    found = page(table("T", column("At", "dateTime", said)), f'<D><T d:id="T1"><At>{text}</At></T></D>')
    assert found.rows == {"T": [{"At": meant}]}


def test_old_values_and_errors_are_no_rows():
    rows = (
        '<D><T d:id="T1" d:hasChanges="modified"><A>new</A></T><T d:id="T2" d:hasErrors="true"><A>2</A></T></D>'
        '<d:before><T d:id="T1"><A>old</A></T><T d:id="T9"><A>gone</A></T></d:before>'
        '<d:errors><T d:id="T2" d:Error="x"/></d:errors>'
    )
    assert page(table("T", column("A")), rows).rows == {"T": [{"A": "new"}, {"A": "2"}]}


def test_rows_within_rows_are_rows_of_their_own_table():
    tables = table("Head", column("No"), table("Line", column("Text")), column("Last"))
    inside = '<No>1</No><Line d:id="L1"><Text>a</Text></Line><Line d:id="L2"/><Last>z</Last>'
    found = page(tables, f'<D><Head d:id="H1">{inside}</Head></D>')
    assert found.rows == {"Head": [{"No": "1", "Last": "z"}], "Line": [{"Text": "a"}, {"Text": None}]}


def test_null_is_not_empty_and_what_the_schema_does_not_name_is_left_out():
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    rows = f'<D><T d:id="T1" {xsi}><A xsi:nil="true"/><B/><C>?</C></T><U d:id="U1"><A>?</A></U></D>'
    assert page(table("T", column("A"), column("B")), rows).rows == {"T": [{"A": None, "B": ""}]}


def test_a_length_in_the_schema_does_not_hide_the_column():
    kind = '<xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="10"/></xs:restriction></xs:simpleType>'
    found = page(table("T", f'<xs:element name="A">{kind}</xs:element>'), '<D><T d:id="T1"><A>x</A></T></D>')
    assert found.rows == {"T": [{"A": "x"}]}


def test_names_that_xml_cannot_hold_are_read_again():
    names = {
        "Two_x0020_words": "Two words",
        "_x0031_st": "1st",
        "_x005F_x0020_": "_x0020_",
        "A_x0001F600_": "A😀",
        "_xD800_": "_xD800_",
    }
    assert {name: dataset.name_of(f"{{urn:a}}{name}") for name in names} == names


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_name_comes_back_as_it_was_escaped(name: str):
    written = "".join(one if one.isascii() and one.isalpha() and one != "x" else f"_x{ord(one):08X}_" for one in name)
    assert dataset.name_of(written) == name


@given(st.integers(0, 400))
def test_an_answer_that_breaks_off_is_told(length: int):
    whole = HEAD.format(table("T", column("A")), '<D><T d:id="T1"><A>x</A></T></D>').encode()
    with pytest.raises(dataset.Garbled):
        dataset.read(whole[: len(whole) - 1 - length])
