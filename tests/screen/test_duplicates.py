"""Keys that stand in several rows are found over a whole step, however its rows are cut and sorted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.screen.checking import Laid, columns
from connector.screen.duplicates import Keys, Seen, fold, key_of
from connector.wire import comparing
from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from connector.wire.metadata import Field, FieldType, Table

FIELDS = (
    Field(name="Code"),
    Field(name="No", type=FieldType.INTEGER),
    Field(name="Amount", type=FieldType.DECIMAL),
    Field(name="Day", type=FieldType.DATE),
    Field(name="Sort", symbols=("None", "Some")),
    Field(name="Dim", type=FieldType.COMPLEX),
)


def cut(rows: list[Row], size: int) -> list[list[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


TEXTS = st.sampled_from(["", " ", "A", "a", "a ", "b", "B", "ß", "SS", "1", "01", "2", "10", "1.0", "2011-01-31", "Some", "some"])


def laid(*key: str, filled: tuple[str, ...] = (), **constants: str) -> Laid:
    made = tuple(Column(name=name, field=name) for name in filled or key)
    layout = Layout(step=1, entity="E", file="E.csv", table="T", columns=made, key=key, constants=constants)
    return Laid(layout=layout, table=Table(name="T", fields=FIELDS), children=())


def repeated(known: Laid, rows: list[Row], *, chunk: int = 2) -> dict[int, int]:
    """The rows that repeat a key, and the rows that had it first; the rows come in chunks."""
    key = key_of(known)
    assert key
    keys = Keys(key, again=lambda: iter(rows))
    found = {}
    for part in cut(rows, chunk):
        places = keys.repeated(part, key.keys(columns(part), count=len(part)))
        found |= {part[place].number: first for place, first in places.items()}
    return found


def by_hand(known: Laid, rows: list[Row]) -> dict[int, int]:
    firsts: dict[tuple[object, ...], int] = {}
    found = {}
    for row in rows:
        if any((cell or "").strip() for cell in row.cells):
            fields = [known.table.field(name) for name in known.layout.key]
            key = tuple(comparing.folded(field, cell) for field, cell in zip(fields, row.cells, strict=True))
            if (first := firsts.setdefault(key, row.number)) != row.number:
                found[row.number] = first
    return found


@pytest.mark.parametrize("key", [("Code",), ("No",), ("Amount",), ("Day",), ("Sort",), ("Code", "No"), ("Day", "Sort")])
@given(cells=st.lists(st.tuples(TEXTS, TEXTS), max_size=9), is_sorted=st.booleans(), chunk=st.integers(1, 4))
def test_keys_repeat_as_ax_compares_them(key, cells, is_sorted, chunk):
    known = laid(*key)
    rows = [Row(number, list(each[: len(key)])) for number, each in enumerate(sorted(cells) if is_sorted else cells, 2)]
    assert repeated(known, rows, chunk=chunk) == by_hand(known, rows)


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field.type is not FieldType.COMPLEX], ids=lambda field: field.name
)
@given(texts=st.lists(TEXTS | st.integers(-5, 5).map(str) | st.dates().map(str), min_size=1, max_size=4))
def test_many_texts_are_folded_as_each_is(field, texts):
    one_by_one = [comparing.folded(field, text) for text in texts]
    at_once = list(fold(field)(texts))
    assert at_once == one_by_one
    assert list(map(hash, at_once)) == list(map(hash, one_by_one))


def test_while_keys_ascend_no_row_is_read_again():
    known = laid("Code")
    key = key_of(known)
    again: list[str] = []

    def read_again():
        again.append("read")
        return iter(rows)

    rows = [Row(number, [f"{number:04d}"]) for number in range(100)]
    keys = Keys(key, again=read_again)
    for part in cut(rows, 7):
        assert keys.repeated(part, key.keys(columns(part), count=len(part))) == {}
    assert again == []
    late = [Row(200, ["0042"]), Row(201, ["9999"])]
    assert keys.repeated(late, key.keys(columns(late), count=2)) == {0: 42}
    assert again == ["read"]


def test_a_constant_is_part_of_the_key():
    known = laid("Code", "No", filled=("No",), Code="x")
    assert repeated(known, [Row(2, ["1"]), Row(3, ["2"]), Row(4, ["1"])]) == {4: 2}
    assert repeated(known, [Row(2, [""]), Row(3, [""])]) == {3: 2}, "the constant says which record it is"
    only = laid("Code", filled=("No",), Code="x")
    assert repeated(only, [Row(2, ["1"]), Row(3, ["2"])]) == {3: 2}


@pytest.mark.parametrize("known", [laid(), laid("Code", "No", filled=("Code",)), laid("Dim")])
def test_a_key_that_the_rows_do_not_hold_whole_as_texts_is_not_looked_at(known):
    assert key_of(known) is None


def test_what_was_seen_is_known_with_its_row():
    seen = Seen()
    keys = [f"K{number * 7919 % 10007:06d}" for number in range(5000)]
    assert [seen.add(key, row=row) for row, key in enumerate(keys)] == [None] * 5000
    assert [seen.add(key, row=0) for key in keys] == list(range(5000))
    assert keys[17] in seen
    assert "another" not in seen
