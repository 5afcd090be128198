"""What fits a field, told in the same words by both houses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire import values
from connector.wire.metadata import Field, FieldType
from workers import contract
from workers.errors import Reject


def a_field(kind: FieldType = FieldType.STRING, **facets: object) -> Field:
    return Field.model_validate({"name": "F", "type": kind, **facets})


FIELDS = [
    a_field(max_length=4),
    a_field(symbols=("No", "Yes")),
    a_field(FieldType.INTEGER, minimum="-5", maximum="5"),
    a_field(FieldType.DECIMAL, maximum="9.5"),
    *(a_field(kind) for kind in FieldType),
]


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        (a_field(max_length=3), "four", "RSC-3102"),
        (a_field(max_length=3), "\U0001f600\U0001f600", "RSC-3102"),
        (a_field(), "a\x00b", "RSC-3103"),
        (a_field(symbols=("No", "Yes")), "Maybe", "RSC-3101"),
        (a_field(FieldType.INTEGER, minimum="0", maximum="9"), "10", "RSC-3101"),
        (a_field(FieldType.DECIMAL), "1,5", "RSC-3101"),
        (a_field(FieldType.DATE), "2011-02-30", "RSC-3101"),
        (a_field(FieldType.DATE), "1899-12-31", "RSC-3101"),
        (a_field(FieldType.DATE), "2155-01-01", "RSC-3101"),
        (a_field(FieldType.DATETIME), "1899-12-31T23:59:59", "RSC-3101"),
        (a_field(FieldType.DATETIME), "2155-01-01T00:00:00Z", "RSC-3101"),
        (a_field(FieldType.DATETIME), "2154-12-31T23:00:00-02:00", "RSC-3101"),
        (a_field(FieldType.COMPLEX), "x", "RSC-3108"),
    ],
)
def test_a_cell_that_does_not_fit_says_why_and_what_to_do(field, text, code):
    unfit = values.fits(field, text)
    assert unfit is not None
    assert (unfit.code, bool(unfit.advice), "F" in unfit.message) == (code, True, True)


@pytest.mark.parametrize("day", ["1900-01-01", "2154-12-31"])
def test_the_first_and_the_last_day_that_ax_keeps_fit(day):
    for kind, text in ((FieldType.DATE, day), (FieldType.DATETIME, f"{day}T12:00:00Z"), (FieldType.DATETIME, day)):
        assert values.fits(a_field(kind), text) is None


@pytest.mark.parametrize("text", ["", None])
def test_an_empty_cell_is_missed_only_where_a_record_is_created(text):
    field = a_field(mandatory=True)
    assert values.fits(field, text) is None
    assert values.fits(a_field(), text, creating=True) is None
    unfit = values.fits(field, text, creating=True)
    assert unfit is not None
    assert unfit.code == "RSC-3105"


@given(
    st.sampled_from(FIELDS), st.text(min_size=1) | st.integers().map(str) | st.dates().map(str) | st.sampled_from(["yes", "1.5"])
)
def test_a_cell_fits_exactly_where_a_worker_can_write_it(field, text):
    unfit = values.fits(field, text)
    if unfit is None:
        contract.lexical(field, text)
    else:
        with pytest.raises(Reject) as refused:
            contract.lexical(field, text)
        assert (unfit.message, unfit.advice) == (refused.value.message, refused.value.advice)
