"""A column that is written all at once reads as its cells would one by one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire import values
from connector.wire.metadata import Field, FieldType
from workers import contract
from workers.documents import columns, text
from workers.errors import Reject


def a_field(kind: FieldType = FieldType.STRING, **facets: object) -> Field:
    return Field.model_validate({"name": "F", "type": kind, "checked": True, **facets})


INT32 = {"minimum": str(-(2**31)), "maximum": str(2**31 - 1)}
FIELDS = [
    a_field(),
    a_field(max_length=5),
    a_field(symbols=("No", "Yes")),
    a_field(FieldType.INTEGER, **INT32),
    a_field(FieldType.INTEGER, minimum="0", maximum="9"),
    a_field(FieldType.DECIMAL, decimals=2),
    a_field(FieldType.DECIMAL, decimals=0),
    a_field(FieldType.DATE),
    a_field(FieldType.BOOLEAN),
]
CELLS = st.one_of(
    st.text(min_size=1, max_size=6),
    st.integers(-20, 20).map(str),
    st.integers().map(str),
    st.decimals(-9, 9, places=2).map(str),
    st.dates().map(str),
    st.sampled_from(["1\n2", "1\n", "\n", "007", "yes", "NO", "true", "2011-02-29", "2012-02-29", "&", "<a>"]),
)


def one_by_one(field: Field, cells: list[str]) -> list[str]:
    """What each cell becomes; a number that is out of range is still written, for the schema to explain."""
    return [columns.column(field).written([cell])[0][0] for cell in cells]


@pytest.mark.parametrize("field", FIELDS, ids=str)
@given(cells=st.lists(CELLS, min_size=1, max_size=4))
def test_a_column_is_written_as_its_cells_are(field, cells):
    try:
        texts = one_by_one(field, cells)
    except Reject:
        with pytest.raises(Reject):
            columns.column(field).written(cells)
        return
    assert list(columns.column(field).written(cells)[0]) == texts


@pytest.mark.parametrize("field", FIELDS, ids=str)
@given(cells=st.lists(CELLS, min_size=1, max_size=4))
def test_a_column_is_sure_only_where_each_cell_fits(field, cells):
    try:
        texts, sure = columns.column(field).written(cells)
    except Reject:
        return
    if sure:
        too_long = [cell for cell in cells if field.max_length is not None and len(cell) > field.max_length]
        assert too_long == []
        if field.type is not FieldType.STRING:
            assert list(texts) == [text.escaped(contract.lexical(field, cell)) for cell in cells]


def test_every_day_is_sure_and_what_is_no_day_is_not():
    days = [date(2012, 1, 1) + timedelta(days=n) for n in range(366)]
    as_written = [f"2012-{month:02d}-{day:02d}" for month in range(14) for day in range(33)]
    assert list(filter(is_sure_of_day, as_written)) == list(map(str, days))
    assert columns.column(a_field(FieldType.DATE)).written(list(map(str, days)))[1]


@pytest.mark.parametrize("around", [values.FIRST_DAY, values.LAST_DAY, date(2000, 2, 29), date(2100, 2, 28)])
def test_a_day_is_sure_in_the_years_that_ax_keeps(around):
    days = [around + timedelta(days=n) for n in range(-400, 401)]
    kept = [str(day) for day in days if values.FIRST_DAY <= day <= values.LAST_DAY]
    assert list(filter(is_sure_of_day, map(str, days))) == kept


def is_sure_of_day(cell: str) -> bool:
    """Whether a day is written as sure; what is none of AX's days is never written."""
    try:
        return columns.column(a_field(FieldType.DATE)).written([cell])[1]
    except Reject:
        return False


def test_nothing_is_sure_of_a_field_that_is_not_known_whole():
    for field in FIELDS:
        unknown = field.model_copy(update={"checked": False, "max_length": None})
        cell = (
            field.symbols[0] if field.symbols else {FieldType.DATE: "2011-01-31", FieldType.BOOLEAN: "true"}.get(field.type, "1")
        )
        assert columns.column(field).written([cell])[1]
        assert not columns.column(unknown).written([cell])[1]
