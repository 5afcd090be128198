"""What pages show in words of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web.pages import drawing


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("CustGroup.csv", "CustGroup.csv"),
        ("Opening balances (2).xlsx", '"Opening balances (2).xlsx"'),
        ("Größen.xlsx", "Größen.xlsx"),
        ("weekdays 20:00-06:00, sat-sun 00:00-24:00 Europe/Berlin", '"weekdays 20:00-06:00, sat-sun 00:00-24:00 Europe/Berlin"'),
        ('x"; rm -rf ~; ".xlsx', "FILE"),
        ("$(x).csv", "FILE"),
        ("`x`", "FILE"),
        ("%PATH%", "FILE"),
        ("a\nb", "FILE"),
        ("-x", "FILE"),
        ("", "FILE"),
    ],
)
def test_an_argument_is_shown_so_that_it_can_be_typed(argument, told):
    assert drawing.typed(argument) == told


@given(st.text(max_size=30))
def test_no_argument_ends_a_command_or_begins_another(argument):
    told = drawing.typed(argument)
    assert not set(told[1:-1]) & set("\"'`$%!&|<>^\\\n\r")
    assert told.startswith('"') == told.endswith('"')
