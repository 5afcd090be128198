"""A connection test tells whether the worker's account is administrator of its computer: it need not be."""

import os

import pytest

from workers import aos, survey


@pytest.mark.parametrize(("is_administrator", "said"), [(True, "loads need no such right"), (False, "need not be")])
def test_administrators_and_others_are_told_what_they_need(is_administrator: bool, said: str):
    check = survey.computer(is_administrator=is_administrator)
    assert check.ok
    assert said in check.detail


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows knows no user 0")
def test_the_last_check_is_of_the_computer():
    *_, last = survey.connection(aos.Door(), ["no address"], aos.Scope())
    assert (last.name, "is administrator" in last.detail) == ("Computer", os.geteuid() == 0)
