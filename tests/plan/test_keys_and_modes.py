"""Whose word a key is, and what may be done when it is only a guess."""

from dataclasses import replace

import pytest

from connector.errors import PlanRefused
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Metadata


def test_the_mapping_beats_the_package_and_the_package_beats_the_service(planned, action) -> None:
    group = action("CustGroup", "CustGroup,Name", ["1", "x"], ["2", "x"])
    declared = replace(group, declared_key=("Name",))
    toml = '[table.CustGroup]\nkey = ["CustGroup", "Name"]'
    assert planned(declared, toml=toml).steps[0].layout.key == ("CustGroup", "Name")
    assert planned(declared).steps[0].layout.key == ("Name",)
    learnt = planned(group).steps[0]
    assert (learnt.layout.key, learnt.key_is_guess, learnt.mode) == (("CustGroup",), False, Mode.UPSERT)


@pytest.fixture
def unknown_key(service, cust_group) -> Metadata:
    return Metadata(fingerprint="f", services=(service(cust_group, key=("RecId",)),))


def test_on_a_guess_rows_are_only_created(planned, action, unknown_key) -> None:
    group = action("CustGroup", "Name,Cust group", ["x", "1"], ["x", "2"])
    (step,) = planned(group, metadata=unknown_key).steps
    assert (step.layout.key, step.key_is_guess, step.mode) == (("Name", "CustGroup"), True, Mode.CREATE)
    assert "guess: Name, Cust group are together unique" in step.key_reason
    assert "only created" in step.key_reason
    none = planned(action("CustGroup", "Name", ["x"], ["x"]), metadata=unknown_key).steps[0]
    assert (none.layout.key, none.key_is_guess, none.mode) == ((), True, Mode.CREATE)


@pytest.mark.parametrize("mode", [Mode.UPDATE, Mode.DELETE])
def test_nothing_is_changed_or_deleted_on_a_guess(planned, action, unknown_key, mode) -> None:
    group = action("CustGroup", "CustGroup", ["1"])
    with pytest.raises(PlanRefused, match="its key is not known"):
        planned(group, metadata=unknown_key, mode=mode)
    assert planned(group, mode=mode).steps[0].mode is mode


def test_a_key_field_that_nothing_fills_is_refused(planned, action) -> None:
    group = action("CustGroup", "CustGroup", ["1"])
    with pytest.raises(PlanRefused, match="key field Name is filled by no column"):
        planned(group, toml='[table.CustGroup]\nkey = ["Name"]')
    assert planned(group, toml='[table.CustGroup]\nkey = ["Name"]\nconstants = { Name = "n" }').steps[0].layout.key == ("Name",)


def test_blank_comes_from_the_mapping_or_the_job(planned, action) -> None:
    group = action("CustGroup", "CustGroup", ["1"])
    assert planned(group).steps[0].layout.blank is Blank.KEEP
    assert planned(group, toml='[table.CustGroup]\nblank = "clear"').steps[0].layout.blank is Blank.CLEAR
