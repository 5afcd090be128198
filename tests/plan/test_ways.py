"""Rows that go to AX in files: by which task, in which mode, and that the plan says so."""

import pytest

from connector.errors import PlanRefused
from connector.wire.jobs import Mode


def test_documents_go_to_a_file_port_and_are_only_created(planned, action) -> None:
    group = action("CustGroup", "CustGroup,Name", ["1", "x"])
    (step,) = planned(group, toml='[table.CustGroup]\nvia = "files"\nfolder = "GroupsIn"').steps
    assert (step.kind, step.options) == ("load.files", {"mode": "create", "folder": "GroupsIn"})
    assert step.mode is Mode.CREATE
    assert "file port GroupsIn" in step.match_reason
    assert "only created" in step.key_reason


def test_a_text_file_has_the_columns_of_the_package(planned, action) -> None:
    customers = action("Customers V3", "Account,Amount,Old", ["1", "1.5", ""])
    toml = '[table."Customers V3"]\nvia = "dixf"\ntarget = "Customer"\nfields = { Account = "AccountNum", Old = "" }\n'
    (step,) = planned(customers, toml=toml + 'formats = { Amount = "decimal" }').steps
    assert (step.kind, step.options, step.table) == ("load.flatfile", {"formats": {"Amount": "decimal"}}, "Customer")
    assert [column.field for column in step.layout.columns] == ["AccountNum", "Amount"]
    assert "Data Import/Export Framework" in step.match_reason


@pytest.mark.parametrize("via", ["files", "dixf"])
@pytest.mark.parametrize("mode", [Mode.UPDATE, Mode.DELETE])
def test_nothing_is_changed_or_deleted_by_a_file(planned, action, via, mode) -> None:
    group = action("CustGroup", "CustGroup,Name", ["1", "x"])
    with pytest.raises(PlanRefused):
        planned(group, toml=f'[table.CustGroup]\nkey = ["CustGroup"]\nvia = "{via}"', mode=mode)


def test_a_format_for_a_column_that_is_not_there_is_refused(planned, action) -> None:
    group = action("CustGroup", "CustGroup,Name", ["1", "x"])
    with pytest.raises(PlanRefused, match="Amount"):
        planned(group, toml='[table.CustGroup]\nvia = "dixf"\nformats = { Amount = "decimal" }')
