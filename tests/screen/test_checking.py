"""What is found by looking at whole columns is what each cell says of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PlanRefused
from connector.screen.checking import Cells, Laid, columns
from connector.wire import values
from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Mode, Structured
from connector.wire.metadata import Field, FieldType, Structure, Table


def a_field(name: str, kind: FieldType = FieldType.STRING, **facets: object) -> Field:
    return Field.model_validate({"name": name, "type": kind, **facets})


FIELDS = (
    a_field("Text"),
    a_field("Code", max_length=3, mandatory=True),
    a_field("Yes", symbols=("No", "Yes")),
    a_field("Whole", FieldType.INTEGER, minimum=str(-(2**31)), maximum=str(2**31 - 1)),
    a_field("Digit", FieldType.INTEGER, minimum="0", maximum="9", mandatory=True),
    a_field("Amount", FieldType.DECIMAL, decimals=2),
    a_field("Rate", FieldType.DECIMAL, minimum="0", maximum="1"),
    a_field("Day", FieldType.DATE),
    a_field("At", FieldType.DATETIME),
    a_field("Clock", FieldType.TIME),
    a_field("Flag", FieldType.BOOLEAN),
    a_field("Id", FieldType.GUID),
    a_field("Data", FieldType.BASE64),
)
CELLS = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.integers().map(str),
    st.decimals(-9, 9, places=3).map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
    st.sampled_from(
        ["", "yes", "NO", "Yes", "a\x00b", "\U0001f600\U0001f600", "1\n2", "13:30", "true", "AAA=", "é", " ", "\ud800"]
    ),
)


def laid(*fields: Field, **more: object) -> Laid:
    made = tuple(Column(name=f"The {field.name}", field=field.name) for field in fields)
    layout = Layout.model_validate({"step": 1, "entity": "E", "file": "E.csv", "table": "T", "columns": made, **more})
    return Laid(layout=layout, table=Table(name="T", fields=FIELDS), children=())


@given(
    cells=st.lists(st.lists(CELLS, min_size=len(FIELDS), max_size=len(FIELDS)), min_size=1, max_size=4),
    mode=st.sampled_from([Mode.CREATE, Mode.UPSERT]),
)
def test_a_column_says_what_its_cells_say(cells, mode):
    rows = [Row(number, each) for number, each in enumerate(cells, 2)]
    found = Cells(laid(*FIELDS), mode=mode).problems(columns(rows), count=len(rows))
    told = {(place, problem.field, problem.value, problem.code) for place, problems in found.items() for problem in problems}
    assert told == {
        (place, field.name, cell, unfit.code)
        for place, row in enumerate(cells)
        for field, cell in zip(FIELDS, row, strict=True)
        if (unfit := values.fits(field, cell, creating=mode is Mode.CREATE))
    }


def test_a_cell_that_is_not_there_is_missed_where_a_record_is_created():
    known = laid(FIELDS[0], FIELDS[1])
    short = [Row(2, ["a"]), Row(3, ["b"])]
    assert Cells(known, mode=Mode.UPSERT).problems(columns(short), count=2) == {}
    found = Cells(known, mode=Mode.CREATE).problems(columns(short), count=2)
    assert {place: problem.code for place, (problem,) in found.items()} == {0: "RSC-3105", 1: "RSC-3105"}


def test_what_the_contract_does_not_know_or_one_text_cannot_tell_is_left_to_the_worker():
    structure = Column(name="Dim", field="Dim", part="Department")
    table = Table(name="T", fields=(a_field("Dim", FieldType.COMPLEX),))
    layout = Layout(step=1, entity="E", file="E.csv", table="T", columns=(structure, Column(name="X", field="Unknown")))
    for known in (Laid(layout=layout, table=table, children=()), Laid(layout=layout, table=None, children=())):
        assert Cells(known, mode=Mode.CREATE).problems([["a"], ["b"]], count=1) == {}


def test_an_attribute_is_checked_by_its_own_field():
    moment = a_field("At", FieldType.DATETIME, attributes=(a_field("timezone", symbols=("GMT", "CET")),))
    zone = Column(name="Zone", field="At", part="timezone")
    layout = Layout(step=1, entity="E", file="E.csv", table="T", columns=(zone,))
    known = Laid(layout=layout, table=Table(name="T", fields=(moment,)), children=())
    assert list(Cells(known, mode=Mode.UPSERT).problems([["GMT", "Mars"]], count=2)) == [1]


def test_a_constant_that_does_not_fit_is_refused_before_any_row_is_read():
    with pytest.raises(PlanRefused, match="the constant of E does not fit: Code: the text has 4 characters"):
        Cells(laid(FIELDS[0], constants={"Code": "long"}), mode=Mode.UPSERT)


def test_a_delimited_text_is_checked_segment_by_segment():
    kind = a_field("GroupType", symbols=("Base", "Range"), mandatory=True)
    structure = Structure(namespace="urn:s", parts=(kind, a_field("GroupID", max_length=3)))
    group = a_field("Group", FieldType.COMPLEX, structure=structure)
    segments = Structured(segments=("GroupType", "GroupID"), delimiter=":")
    columns_ = (Column(name="Group", field="Group"), Column(name="Kind", field="Group", part="GroupType"))
    layout = Layout(step=1, entity="E", file="E.csv", table="T", columns=columns_, structures={"Group": segments})
    known = Laid(layout=layout, table=Table(name="T", fields=(group,)), children=())
    cells = ["base:G1", "Base:G1:x", "Other:G1", "Base:long", ":G1", "", "Base:G1"]
    found = Cells(known, mode=Mode.CREATE).problems([cells, ["", "", "", "", "", "", "Wrong"]], count=7)
    told = {place: [(problem.column, problem.code) for problem in problems] for place, problems in found.items()}
    assert told == {
        1: [("Group", "RSC-3123")],
        2: [("Group", "RSC-3101")],
        3: [("Group", "RSC-3102")],
        6: [("Kind", "RSC-3101")],
    }
