"""Values as texts, as the contract of the table service has them: strict on the way in, one form on the way out."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final

from workers.simulator import values
from workers.simulator.model import Field, Kind

FIELD_TYPES: Final[Mapping[Kind, str]] = {
    Kind.STRING: "String",
    Kind.INTEGER: "Integer",
    Kind.DECIMAL: "Real",
    Kind.DATE: "Date",
    Kind.DATETIME: "UtcDateTime",
    Kind.TIME: "Time",
    Kind.BOOLEAN: "Enum",
    Kind.ENUM: "Enum",
    Kind.GUID: "Guid",
    Kind.BASE64: "Other",
    Kind.COMPLEX: "Other",
}
#: AX has no boolean fields: they are the enumeration NoYes.
NO_YES: Final = ("No", "Yes")
_NO_GUID: Final = "{00000000-0000-0000-0000-000000000000}"
_FIRST_DAY, _LAST_DAY = date(1900, 1, 2), date(2154, 12, 31)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def symbols(field: Field) -> tuple[str, ...]:
    """The entries of a field's enumeration, in the order of their values."""
    return NO_YES if field.kind is Kind.BOOLEAN else field.symbols


def parse(field: Field, text: str) -> str:
    """A text of a request -> what the table keeps. Raises ValueError where it is no text of the field's type."""
    if field.kind is Kind.STRING:
        return _string(field, text)
    if field.kind in (Kind.ENUM, Kind.BOOLEAN):
        return _symbol(field, text)
    pattern, check = _FORMS[field.kind]
    if not re.fullmatch(pattern, text):
        raise ValueError(f"The value '{text}' of the field '{field.name}' is no {FIELD_TYPES[field.kind]}.")
    check(text)
    return text


def _string(field: Field, text: str) -> str:
    if field.max_length is not None and len(text) > field.max_length:
        raise ValueError(f"The value of the field '{field.name}' has {len(text)} characters, {field.max_length} are allowed.")
    return text


def _symbol(field: Field, text: str) -> str:
    found = next((symbol for symbol in symbols(field) if values.fold(symbol) == values.fold(text)), None)
    if found is None:
        raise ValueError(f"The value '{text}' of the field '{field.name}' is no entry of its enumeration.")
    return ("true" if found == "Yes" else "false") if field.kind is Kind.BOOLEAN else found


def _day(text: str) -> None:
    if not _FIRST_DAY <= date.fromisoformat(text[:10]) <= _LAST_DAY:
        raise ValueError(f"The date {text[:10]} is not between {_FIRST_DAY} and {_LAST_DAY}.")


def _moment(text: str) -> None:
    _day(text)
    datetime.fromisoformat(text)


def _time(text: str) -> None:
    datetime.fromisoformat(f"1900-01-02T{text}")


def _fine(_text: str) -> None:
    """Nothing more to check."""


_FORMS: Final[Mapping[Kind, tuple[str, Callable[[str], None]]]] = {
    Kind.INTEGER: (r"-?\d{1,19}", _fine),
    Kind.DECIMAL: (r"-?\d+(\.\d+)?", _fine),
    Kind.DATE: (r"\d{4}-\d\d-\d\d", _day),
    Kind.TIME: (r"\d\d:\d\d:\d\d", _time),
    Kind.DATETIME: (_MOMENT.pattern, _moment),
    Kind.GUID: (r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}", _fine),
}


def tell(field: Field, stored: str | None) -> tuple[str, bool]:
    """What the table keeps -> the text of an answer, and whether it is null."""
    if field.kind in (Kind.DATE, Kind.DATETIME) and values.is_empty(field, stored):
        return "", True
    if field.kind is Kind.GUID and (stored or _NO_GUID) == _NO_GUID:
        return "", True
    if field.kind is Kind.DATETIME and stored:
        moment = datetime.fromisoformat(stored)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), False
    if field.kind is Kind.BOOLEAN:
        return NO_YES[stored in ("true", "1")], False
    return stored or _EMPTY.get(field.kind, field.symbols[0] if field.symbols else ""), False


_EMPTY: Final = {Kind.INTEGER: "0", Kind.DECIMAL: "0", Kind.TIME: "00:00:00"}
