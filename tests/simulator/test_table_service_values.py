"""Values of the X++ table service: what comes back, what is refused, and which row and field it is told of."""

import pytest

from tests.simulator.table_client import (
    TableClient,
    cell,
    objects,
    outcomes,
    row,
    strings,
    texts,
)


def test_an_ambiguous_key_is_told_by_two_rows_with_one_number(accounts: TableClient) -> None:
    for name in ("Shared", "Other"):
        accounts.write("createRows", "MainAccount", row(MainAccountId="1000", Chart__Name=name))
    found = accounts.rows("MainAccount", ["MainAccountId"], ["1000"])
    assert [r["_"]["Index"] for r in found] == ["1", "1"]


@pytest.mark.parametrize(
    ("field", "given", "told"),
    [
        ("Opened", "2026-12-31", "2026-12-31"),
        ("Opened", None, None),
        ("Changed", "2026-12-31T23:59:59Z", "2026-12-31T23:59:59Z"),
        ("Sign", "credit", "Credit"),
        ("Closed", "yes", "Yes"),
        ("Rate", "-12.50", "-12.50"),
        ("Token", "{01234567-89ab-CDEF-0123-456789ABCDEF}", "{01234567-89ab-CDEF-0123-456789ABCDEF}"),
        ("Text", "", ""),
    ],
)
def test_values_come_back_as_they_went(accounts: TableClient, field: str, given: str | None, told: str | None) -> None:
    made = accounts.write("createRows", "MainAccount", row(MainAccountId="1", Chart__Name="Shared", **{field: given}))
    assert outcomes(made) == ["Created"]
    assert accounts.rows("MainAccount", ["MainAccountId"], ["1"])[0][field] == told


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("Opened", "31.12.2026"),
        ("Opened", "2026-02-30"),
        ("Opened", "1899-12-31"),
        ("Opened", ""),
        ("Changed", "2026-12-31T23:59:59"),
        ("Changed", "2026-12-31T23:59:59+01:00"),
        ("Sign", "2"),
        ("Closed", "true"),
        ("Rate", "1,5"),
        ("Rate", "1e3"),
        ("Token", "01234567-89ab-cdef-0123-456789abcdef"),
        ("Text", "eleven char"),
        ("Picture", "AAAA"),
        ("RecId", "5"),
        ("Text.Name", "x"),
    ],
)
def test_what_is_no_value_refuses_its_row_and_names_the_field(accounts: TableClient, field: str, given: str) -> None:
    (result,) = accounts.write(
        "createRows", "MainAccount", row(MainAccountId="1", Chart__Name="Shared", **{field.replace(".", "__"): given})
    )
    assert (result["Outcome"], result["Field"]) == ("Refused", field)


def test_a_field_is_named_once(accounts: TableClient) -> None:
    (result,) = accounts.write("createRows", "MainAccount", row("", "", cell("Text", "x"), cell("text", "y")))
    assert texts(result) == ["The field 'text' is named twice."]


def test_defaults_fill_what_is_not_given_where_asked(accounts: TableClient) -> None:
    one, two = (row(MainAccountId=name, Chart__Name="Shared") for name in "12")
    accounts.write("createRows", "MainAccount", one)
    accounts.write("createRows", "MainAccount", two, row(MainAccountId="3", Chart__Name="Shared", Sign="Credit"), defaults=True)
    found = accounts.rows("MainAccount", ["MainAccountId"], ["1"], ["2"], ["3"])
    assert [r["Sign"] for r in found] == ["Both", "Debit", "Credit"]


def test_a_field_that_may_not_be_changed_refuses_its_row_whatever_the_value(accounts: TableClient) -> None:
    key = {"MainAccountId": "1", "Chart__Name": "Shared"}
    (never,) = accounts.write("createRows", "MainAccount", row(**key, Sum="0"))
    assert (never["Outcome"], never["Field"]) == ("Refused", "Sum")
    (made,) = accounts.write("createRows", "MainAccount", row(**key, Number="7"))
    (again,) = accounts.write("updateRows", "MainAccount", row(made["RecId"], made["RecVersion"], Number="7"))
    assert texts(again) == ["The field 'Number' may not be changed."]
    fields = objects(accounts.call("describe", f"<_tables>{strings(['MainAccount'])}</_tables>"), "RapidStartTableInfo")[0][
        "Fields"
    ]
    told = {field["Name"]: (field["AllowEditOnCreate"], field["AllowEdit"]) for field in fields}
    assert [told[name] for name in ("Text", "Number", "Sum")] == [("true", "true"), ("true", "false"), ("false", "false")]
