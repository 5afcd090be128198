"""Batches hold every row once, in order, and never a part of a unit."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Place, PlanRefused
from connector.screen.batching import batches
from connector.wire.codec import Row

SIZE = st.integers(1, 7)


@given(st.integers(0, 40), SIZE)
def test_rows_are_cut_into_full_batches(count: int, size: int) -> None:
    rows = [Row(number, [str(number)]) for number in range(count)]
    cut = list(batches(iter(rows), size=size))
    assert [row for batch in cut for row in batch] == rows
    assert all(len(batch) == size for batch in cut[:-1])
    assert all(0 < len(batch) <= size for batch in cut)


@given(st.lists(st.integers(1, 9), max_size=12), SIZE)
def test_a_unit_is_never_divided(lengths: list[int], size: int) -> None:
    units = [unit for unit, length in enumerate(lengths) for _ in range(length)]
    rows = [Row(number, ["x", str(unit)]) for number, unit in enumerate(units)]
    cut = list(batches(rows, size=size, unit=(1,)))
    assert [row for batch in cut for row in batch] == rows
    whose = [{row.cells[1] for row in batch} for batch in cut]
    assert sum(map(len, whose)) == len(lengths)
    assert all(len(batch) <= size or len(owners) == 1 for batch, owners in zip(cut, whose, strict=True))


@given(st.lists(st.sampled_from("abc"), max_size=10), SIZE)
def test_a_unit_that_comes_again_is_refused_with_its_row(units: list[str], size: int) -> None:
    rows = [Row(number, [unit]) for number, unit in enumerate(units, start=2)]
    runs = [unit for unit, _ in groupby(units)]
    if len(runs) == len(set(runs)):
        assert [row for batch in batches(rows, size=size, unit=(0,)) for row in batch] == rows
        return
    seen: set[str] = set()
    again = next(i for i, unit in enumerate(runs) if unit in seen or seen.add(unit))
    lengths = [len(list(group)) for _, group in groupby(units)]
    row = 2 + sum(lengths[:again])
    with pytest.raises(PlanRefused) as refused:
        list(batches(rows, size=size, unit=(0,), place=Place(file="a.csv")))
    assert refused.value.place == Place(file="a.csv", row=row)
