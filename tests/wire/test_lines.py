"""What a column says at once, its cells say one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire import lines, values
from connector.wire.metadata import Field, FieldType


def a_field(kind: FieldType, **facets: object) -> Field:
    return Field.model_validate({"name": "F", "type": kind, **facets})


FIELDS = [
    a_field(FieldType.INTEGER, minimum=str(-(2**31)), maximum=str(2**31 - 1)),
    a_field(FieldType.DECIMAL),
    a_field(FieldType.DECIMAL, decimals=2),
    a_field(FieldType.DECIMAL, decimals=0),
    a_field(FieldType.DATE),
    a_field(FieldType.DATETIME),
]
CELLS = st.one_of(
    st.text(min_size=1, max_size=4),
    st.integers().map(str),
    st.decimals(-9, 9, places=2).map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z"),
    st.sampled_from(["1\n2", "2011-02-29", "2012-02-29", "1899-12-31", "2155-01-01", "2154-12-31T23:59:59Z", "١"]),
)


@pytest.mark.parametrize("field", FIELDS, ids=str)
@given(cells=st.lists(CELLS, min_size=1, max_size=3))
def test_cells_that_suit_as_lines_fit_and_are_written_as_they_stand(field, cells):
    pattern = lines.pattern(field)
    assert pattern
    if lines.suit(pattern, cells):
        assert [values.lexical(field, cell) for cell in cells] == cells


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_usual_cells_suit(field):
    usual = {FieldType.DATE: "2011-01-31", FieldType.DATETIME: "2011-01-31T13:30:00Z"}.get(field.type, "-42")
    pattern = lines.pattern(field)
    assert pattern
    assert lines.suit(pattern, [usual, usual])
    assert not lines.suit(pattern, [f"{usual}\n{usual}"])


@pytest.mark.parametrize(
    "field",
    [a_field(FieldType.INTEGER, minimum="0", maximum="9"), a_field(FieldType.STRING), a_field(FieldType.INTEGER, symbols=("1",))],
    ids=str,
)
def test_of_some_fields_only_the_cells_can_tell(field):
    assert lines.pattern(field) is None
