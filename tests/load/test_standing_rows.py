"""What the query service tells of a row against a row of a package: enumerations by number, dates with a time, null."""

import pytest

from connector.wire.codec import Row
from connector.wire.jobs import Blank, Column, Layout
from connector.wire.metadata import Field, FieldType, Table
from workers.documents.shape import Shape, shaped
from workers.load import standing

FIELDS = (
    Field(name="Key"),
    Field(name="Blocked", symbols=("No", "Invoice", "All"), numbers=(0, 1, 5)),
    Field(name="Since", type=FieldType.DATE),
    Field(name="Limit", type=FieldType.DECIMAL),
    Field(name="Days", type=FieldType.INTEGER),
)
TOLD = {"Key": "a ", "Blocked": "5", "Since": "2012-02-29T00:00:00", "Limit": "1.5000", "Days": "0", "DataAreaId": "usmf"}
CELLS = ["A", "all", "2012-02-29", "1.5", "0"]


def shape(blank: Blank = Blank.KEEP, fields: tuple[Field, ...] = FIELDS) -> Shape:
    columns = tuple(Column(name=field.name, field=field.name) for field in fields)
    layout = Layout(step=1, entity="E", file="f", table="T", columns=columns, key=("Key",), blank=blank)
    return shaped(layout, tables=(Table(name="T", fields=fields, order=tuple(field.name for field in fields)),))


def stands(
    cells: list[str | None], *told: dict[str, str | None], blank: Blank = Blank.KEEP, company: str | None = "USMF"
) -> bool:
    return 7 in standing._equal(shape(blank), {7: Row(2, cells)}, list(told or (TOLD,)), company=company)


def test_values_that_mean_the_same_stand():
    assert stands(CELLS)
    assert stands(["A", "", "", "", ""])
    assert stands(["A", None, None, None, None])


@pytest.mark.parametrize(
    ("place", "text"), [(0, "B"), (1, "Invoice"), (1, "Unheard of"), (2, "2012-03-01"), (3, "1.51"), (4, "1"), (4, "x")]
)
def test_one_value_that_differs_is_enough(place: int, text: str):
    assert not stands([*CELLS[:place], text, *CELLS[place + 1 :]])


def test_a_blank_that_clears_must_find_the_field_empty():
    assert not stands(["A", "all", "", "1.5", "0"], blank=Blank.CLEAR)
    assert stands(["A", "all", "", "1.5", ""], TOLD | {"Since": "1900-01-01T00:00:00"}, blank=Blank.CLEAR)


@pytest.mark.parametrize("name", ["Blocked", "Since", "Limit"])
def test_a_field_that_the_account_may_not_see_proves_nothing(name: str):
    assert not stands(["A", "", "", "", ""], TOLD | {name: None})
    assert not stands(["A", "", "", "", ""], TOLD | {name: None}, blank=Blank.CLEAR)


def test_a_number_that_is_no_symbol_proves_nothing():
    assert not stands(CELLS, TOLD | {"Blocked": "9"})


def test_rows_of_another_company_or_twice_of_one_key_prove_nothing():
    assert not stands(CELLS, TOLD | {"DataAreaId": "demf"})
    assert not stands(CELLS, TOLD, TOLD | {"Key": "A"})
    assert stands(CELLS, {name: text for name, text in TOLD.items() if name != "DataAreaId"}, company=None)


def test_enumerations_whose_numbers_nobody_told_are_not_asked_for():
    assert standing._is_plain(next(iter(shape().cells)))
    unnumbered = (Field(name="Key"), Field(name="Blocked", symbols=("No", "All")))
    assert not all(map(standing._is_plain, shape(fields=unnumbered).cells))
