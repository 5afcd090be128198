"""Guessed keys are the shortest leading unique run; made-up tables have names that AX and XML allow."""

import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from connector.intake import keys
from connector.intake.tables import tables
from connector.intake.values import Action, Package
from connector.wire.codec import Row
from connector.wire.metadata import normalized


def action(columns: tuple[str, ...], cells: list[tuple[str, ...]], **more: object) -> Action:
    def read() -> Iterator[Row]:
        return (Row(number, list(row)) for number, row in enumerate(cells, start=2))

    return Action(**{"entity": "E", "file": "e.csv", "columns": columns, "read": read, **more})


def shortest(columns: tuple[str, ...], cells: list[tuple[str, ...]]) -> tuple[str, ...]:
    runs = (run for run in range(1, len(columns) + 1) if len({row[:run] for row in cells}) == len(cells))
    run = next(runs, 0) if cells else 0
    return columns[:run]


@given(st.lists(st.tuples(*[st.sampled_from("01")] * 5), max_size=12))
def test_the_guess_is_the_shortest_leading_run(cells: list[tuple[str, ...]]) -> None:
    columns = ("A", "B", "C", "D", "E")
    assert keys.guess_key(action(columns, cells)) == shortest(columns, cells)


@given(repeats=st.integers(0, 3), seed=st.randoms(use_true_random=False))
def test_what_repeats_only_beyond_the_sample_is_found_too(repeats: int, seed) -> None:
    cells = [(str(number), str(number), "x", "y") for number in range(keys._SAMPLE_ROWS + 50)]
    last, at = list(cells[seed.randrange(len(cells))]), 3 - repeats
    for column in range(at, 4):
        last[column] = "other"
    cells.append(tuple(last))
    columns = ("A", "B", "C", "D")
    assert keys.guess_key(action(columns, cells)) == shortest(columns, cells)


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=8, unique=True))
def test_names_are_safe_unique_and_close_to_the_packages(captions: list[str]) -> None:
    package = Package(name="p", format="csv", actions=(action(tuple(captions), []),))
    fields = [column.field for column in tables(package)[0].columns]
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,79}", field) for field in fields)
    assert len({field.casefold() for field in fields}) == len(fields)


def test_a_made_up_table_matches_its_columns_again() -> None:
    cells = [("01", "x", "1"), ("02", "x", "2")]
    package = Package(name="p", format="csv", actions=(
        action(("No.", "Country/Region Code", "2nd name"), cells, entity="Customer groups"),
        action(("A",), [("1",), ("1",)], entity="customer_groups"),
        action(("A", "B", "C"), cells, entity="Keyed", declared_key=("B", "C")),
    ))  # fmt: skip
    first, second, third = tables(package)
    assert (first.table, first.key) == ("Customergroups", ("No",))
    assert normalized(first.columns[1].column) == normalized(first.columns[1].field)
    assert (second.table, second.key) == ("customer_groups", ())
    assert third.key == ("B", "C")
    same = Package(name="p", format="csv", actions=(action(("A", "a", "A_"), [], entity="E"), action(("B",), [], entity="E.")))
    assert [table.table for table in tables(same)] == ["E", "E_2"]
    assert [column.field for column in tables(same)[0].columns] == ["A", "a_2", "A_"]
