"""Numbers of a workbook become the text that its author meant."""

# ruff: noqa: DTZ001  Excel knows no zones

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.intake import celltext


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_integers_are_exact(number: int) -> None:
    assert celltext.of_number(float(number)) == str(number)


@given(st.integers(-(10**12) + 1, 10**12 - 1), st.integers(0, 6))
def test_short_decimals_survive_any_arithmetic_noise(digits: int, places: int) -> None:
    meant = Decimal(digits).scaleb(-places)
    assert Decimal(celltext.of_number(float(meant))) == meant
    noisy = float(meant) * (1 + 2**-52)
    assert Decimal(celltext.of_number(noisy)) == meant or abs(meant) >= 10**11


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_without_an_exponent_and_close_to_what_it_was(number: float) -> None:
    text = celltext.of_number(number)
    assert "e" not in text.lower()
    assert float(text) == pytest.approx(number, rel=1e-14, abs=0)


def test_known_texts() -> None:
    texts = [celltext.of_number(value) for value in (1000.0, 0.1 + 0.2, -13.3800000000000008, 1e-7, 1e21, -0.0, 1 / 3, 650.5)]
    assert texts == ["1000", "0.3", "-13.38", "0.0000001", "1" + "0" * 21, "0", "0.3333333333333333", "650.5"]


def test_dates_have_no_time_at_midnight() -> None:
    assert celltext.of_moment(date(2023, 9, 4)) == "2023-09-04"
    assert celltext.of_moment(datetime(2023, 9, 4)) == "2023-09-04"
    assert celltext.of_moment(datetime(2023, 9, 4, 13, 2, 59, 999_900)) == "2023-09-04T13:03:00"
    assert celltext.of_moment(timedelta(hours=36)) == "36:00:00"


@given(st.datetimes(datetime(1901, 1, 1), datetime(2150, 1, 1)).map(lambda moment: moment.replace(microsecond=0)), st.booleans())
def test_serial_dates_are_the_days_that_excel_counts(moment: datetime, epoch_1904: bool) -> None:
    if epoch_1904 and moment.year < 1904:
        return
    start = datetime(1904, 1, 1) if epoch_1904 else datetime(1899, 12, 30)
    serial = (moment - start) / timedelta(days=1)
    text = celltext.of_serial(serial, epoch_1904=epoch_1904, duration=False)
    assert text == moment.isoformat().removesuffix("T00:00:00")
