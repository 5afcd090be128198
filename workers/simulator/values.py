"""How AX compares and stores values: case does not count, trailing spaces do not count, null is the type's default."""

from datetime import UTC, datetime
from typing import Final

from workers.simulator.model import Field, Kind

Comparable = int | float | str

#: What a field that was never set counts as. 1900-01-01 is AX's empty date.
_EMPTY: Final = {Kind.DATE: "1900-01-01", Kind.DATETIME: "1900-01-01T00:00:00", Kind.TIME: "00:00:00", Kind.BOOLEAN: "false"}


def comparable(field: Field | None, value: str | None) -> Comparable:
    """A value in the form in which it is compared. `field` is None for RecId and RecVersion.

    Raises ValueError where the text is not of the field's type.
    """
    kind = Kind.INTEGER if field is None else field.kind
    if kind is Kind.INTEGER:
        return int(value) if value else 0
    if kind is Kind.DECIMAL:
        return float(value) if value else 0.0
    if kind is Kind.ENUM and field is not None:
        return _position(field.symbols, value)
    given = value or _EMPTY.get(kind, "")
    return _moment(given) if kind is Kind.DATETIME else fold(given)


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None).isoformat()


def _position(symbols: tuple[str, ...], value: str | None) -> int:
    return [fold(symbol) for symbol in symbols].index(fold(value)) if value else 0


def fold(text: str) -> str:
    """A text as AX's database compares it."""
    return text.rstrip(" ").casefold()


def is_empty(field: Field, value: str | None) -> bool:
    """Whether AX leaves the value out of an answer: null, zero, empty or 1900-01-01. Enumerations are always told."""
    if not value:
        return True
    if field.kind is Kind.ENUM or field.kind is Kind.COMPLEX:
        return False
    if field.kind in {Kind.INTEGER, Kind.DECIMAL}:
        return comparable(field, value) == 0
    return field.kind in {Kind.DATE, Kind.DATETIME, Kind.TIME} and comparable(field, value) == comparable(field, None)


def stored(field: Field, value: str) -> str:
    """What the table keeps of a value: over-long strings are cut, and nobody is told."""
    if field.kind is Kind.STRING and field.max_length is not None:
        return value[: field.max_length]
    return value
