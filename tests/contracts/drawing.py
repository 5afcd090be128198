"""Random rows of a document, as its schema allows them; and what their texts mean, whatever way they are written."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.contracts.xsd import Part, Record, Text

#: Whole numbers of XML Schema, and their bits.
_BITS = {"byte": 8, "short": 16, "int": 32, "long": 64, "integer": 63}
_UNSIGNED = {"unsignedByte": 8, "unsignedShort": 16, "unsignedInt": 32}
_DECIMALS = {"decimal", "double", "float"}
_FIRST_DAY, _LAST_DAY = date(1900, 1, 2), date(2154, 12, 31)  # 1900-01-01 is AX's empty date
_CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\ufffe\uffff") | st.sampled_from(
    "&<>\"'%\t\n\r ]àß漢字🙂\u00a0"
)


#: Names of financial dimensions, which no contract tells.
DIMENSIONS = ("Department", "Kostenstelle Süd")


@dataclass(kw_only=True)
class Drawn:
    """One record: the texts of its fields that are filled (parts of structures as `Field.Part`), and its nested records."""

    table: str
    values: dict[str, str]
    below: "dict[str, list[Drawn]]"


def records(record: Record, *, keys: dict[str, str], most: int = 2, structures: bool = False) -> st.SearchStrategy[Drawn]:
    """Records of a type. `keys` names a field per table that is always filled. `structures`: those are filled, too."""
    always = {part.name: _cells(part) for part in record.fields if _is_always(part, record, keys)}
    sometimes = {part.name: _cells(part) for part in record.fields if part.name not in always}
    below = {
        part.name: st.lists(
            records(part.record, keys=keys, most=most, structures=structures),
            min_size=min(part.least, 1),
            max_size=most if part.many else 1,
        )
        for part in record.parts
        if part.record is not None
    }
    return st.builds(
        lambda values, inner, nested: Drawn(table=record.name, values=_chosen(record, values) | inner, below=nested),
        st.fixed_dictionaries(always, optional=sometimes),
        _structured(record) if structures else st.just({}),
        st.fixed_dictionaries(below),
    )


def _structured(record: Record) -> st.SearchStrategy[dict[str, str]]:
    """The parts of some of the structures: of each that is there all texts, and some of its dimensions."""
    some = [st.just({}) | _parts_of(part) for part in record.structures]
    return st.tuples(*some).map(lambda drawn: {name: text for one in drawn for name, text in one.items()})


def _parts_of(part: Part) -> st.SearchStrategy[dict[str, str]]:
    given = {f"{part.name}.{one.name}": texts(one.text) for one in part.structure if one.text is not None}
    if len(given) == len(part.structure):
        return st.fixed_dictionaries(given)
    named = st.lists(st.sampled_from(DIMENSIONS), min_size=1, unique=True)
    values = named.flatmap(lambda names: st.fixed_dictionaries({f"{part.name}.{one}": _VALUES for one in names}))
    return st.tuples(st.fixed_dictionaries(given), values).map(lambda drawn: drawn[0] | drawn[1])


_VALUES = st.text("AB12 &<ä", min_size=1, max_size=8).filter(lambda drawn: drawn == drawn.strip())


def parts_of(part: Part) -> list[str]:
    """The parts that a package may have a column for, as `Field.Part`."""
    own = [one.name for one in part.structure if one.text is not None]
    return [f"{part.name}.{name}" for name in (*own, *(() if len(own) == len(part.structure) else DIMENSIONS))]


def _chosen(record: Record, values: dict[str, str]) -> dict[str, str]:
    """The values with one of each choice."""
    chosen = {part.choice: part.name for part in record.fields if part.name in values and part.choice is not None}
    dropped = {part.name for part in record.fields if part.choice is not None and chosen.get(part.choice) != part.name}
    return {name: text for name, text in values.items() if name not in dropped}


def _cells(part: Part) -> st.SearchStrategy[str]:
    assert part.text is not None
    return texts(part.text) if part.fixed is None else st.just(part.fixed)


def _is_always(part: Part, record: Record, keys: dict[str, str]) -> bool:
    return part.least > 0 or part.choice is not None or keys.get(record.name) == part.name


def texts(text: Text) -> st.SearchStrategy[str]:
    """Valid texts of a type, none of them empty: an empty cell says nothing."""
    if text.symbols:
        return st.sampled_from([symbol for symbol in text.symbols if symbol])
    if text.members:
        return st.one_of(*map(texts, text.members))
    if text.built_in in _BITS or text.built_in in _UNSIGNED:
        return _integers(text).map(str)
    if text.built_in in _DECIMALS:
        return _decimals(text)
    if text.built_in == "base64Binary":
        return st.binary(min_size=1, max_size=40).map(lambda data: base64.b64encode(data).decode())
    if text.pattern is not None and text.built_in not in _PLAIN:
        return st.from_regex(re.compile(text.pattern.removeprefix("^").removesuffix("$"), re.ASCII), fullmatch=True)
    return _PLAIN.get(text.built_in) or _strings(text)


def _integers(text: Text) -> st.SearchStrategy[int]:
    bits = _BITS.get(text.built_in)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if bits else (0, 2 ** _UNSIGNED[text.built_in] - 1)
    return st.integers(
        max(low, int(text.facets.get("minInclusive", low)), int(text.facets.get("minExclusive", low - 1)) + 1),
        min(high, int(text.facets.get("maxInclusive", high)), int(text.facets.get("maxExclusive", high + 1)) - 1),
    )


def _decimals(text: Text) -> st.SearchStrategy[str]:
    places = min(int(text.facets.get("fractionDigits", 6)), 6)
    total = int(text.facets.get("totalDigits", 15))
    most = Decimal(10) ** (total - places) - 1
    low = Decimal(text.facets.get("minInclusive", -most))
    high = Decimal(text.facets.get("maxInclusive", most))
    numbers = st.decimals(max(low, -most), min(high, most), places=places, allow_nan=False, allow_infinity=False)
    return numbers.map(lambda number: f"{number:f}")


def _strings(text: Text) -> st.SearchStrategy[str]:
    fixed = text.facets.get("length")
    least = int(fixed or text.facets.get("minLength", 0)) or 1
    most = int(fixed or text.facets.get("maxLength", 30))
    if fixed:
        return st.text("abcXYZ019", min_size=least, max_size=most)
    return st.text(_CHARACTERS, min_size=least, max_size=min(most, 30)).filter(lambda drawn: _units(drawn) <= most)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


_MOMENTS = st.builds(
    datetime.combine, st.dates(_FIRST_DAY, _LAST_DAY), st.times().map(lambda clock: clock.replace(microsecond=0))
)
_PLAIN: dict[str, st.SearchStrategy[str]] = {
    "date": st.dates(_FIRST_DAY, _LAST_DAY).map(str),
    "dateTime": _MOMENTS.map(lambda moment: f"{moment.isoformat()}Z"),
    # AX keeps seconds since midnight. Its schemas allow an offset, of which nobody says what AX makes: those are refused.
    "time": st.times().map(lambda moment: moment.isoformat()),
    "boolean": st.sampled_from(["true", "false"]),
}


def as_python(part: Part, written: str) -> Any:
    """The value of a text as a program would hold it."""
    assert part.text is not None
    kind = "string" if part.text.members else part.text.built_in
    if kind in _BITS or kind in _UNSIGNED:
        return int(written)
    if kind in _DECIMALS:
        return Decimal(written)
    readers = {
        "date": date.fromisoformat,
        "dateTime": datetime.fromisoformat,
        "boolean": lambda text: text == "true",
        "base64Binary": base64.b64decode,
    }
    return readers[kind](written) if kind in readers else written


def meaning(part: Part, written: str | None) -> object:
    """What a text says to AX: null, zero and the first symbol are one, and a number is one however it is written."""
    assert part.text is not None
    if part.text.symbols:
        return written or part.text.symbols[0]
    if not written:
        return _NOTHING.get("string" if part.text.members else part.text.built_in, "")
    if part.text.built_in == "time":
        return time.fromisoformat(written).replace(tzinfo=None)
    value = as_python(part, written)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return value


_NOTHING: dict[str, object] = {
    **dict.fromkeys((*_BITS, *_UNSIGNED, *_DECIMALS), 0),
    "date": date(1900, 1, 1),
    "dateTime": datetime(1900, 1, 1, tzinfo=UTC),
    "time": time(),
    "boolean": False,
    "base64Binary": b"",
}


def meanings(record: Record, values: dict[str, Any]) -> dict[str, object]:
    """What every field of a record says."""
    return {part.name: meaning(part, values.get(part.name)) for part in record.fields}


def numbered(drawn: Sequence[Drawn], *, keys: dict[str, str], start: str) -> None:
    """Gives every record that has a key field its own key, in place."""
    for number, one in enumerate(drawn, 1):
        own = f"{start}{number}"
        if keys.get(one.table):
            one.values[keys[one.table]] = own
        for nested in one.below.values():
            numbered(nested, keys=keys, start=own)
