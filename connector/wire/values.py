"""What text fits a field, and how it stands in a document: the same rules for both houses.

Pure: it knows what a contract says of a field, and nothing of AX, files or queues. It never guesses a value.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from connector.wire.metadata import Field, FieldType

#: Characters that no XML 1.0 document may hold, escaped or not.
FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

#: The days that AX 2012 keeps, in fields of dates and of moments; the first stands for no date.
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2154, 12, 31)

#: The attribute that holds a moment by the clock on the wall; every other date and time is one of UTC.
LOCAL: Final = "localDateTime"

_INTEGER: Final = re.compile(r"([+-]?[0-9]+)(?:\.0*)?")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:00)?)?")
_DATETIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?(?: ?([AaPp])[Mm])?")
_GUID: Final = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)*")
_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})


class Unfit(ValueError):
    """A text is no value of a field: a sentence that says why, what to do next, and a stable code."""

    def __init__(self, message: str, *, advice: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.code = code


def fits(field: Field, text: str | None, *, creating: bool = False) -> Unfit | None:
    """Why a cell does not fit a field, by its type and facets; None where it does.

    Empty and absent cells say nothing; only where a record is created must a mandatory field have a value.
    The codes are those of rows that never reached AX (RSC-31xx).
    """
    if not text:
        return _missing(field) if creating and field.mandatory else None
    try:
        lexical(field, text)
    except Unfit as unfit:
        return Unfit(unfit.message, advice=unfit.advice, code=unfit.code.replace("RSC-51", "RSC-31"))
    return None


def lexical(field: Field, text: str) -> str:
    """`text` as it must stand in an element of this field, not yet escaped.

    Strings and decimals stay as they are written. Raises Unfit with a sentence where the text cannot be such a value.
    """
    if field.symbols:
        return _symbol(field, text)
    writer = _WRITERS.get(field.type)
    if writer is None:
        raise Unfit(
            f"{field.name} is a structure ({field.type_name or field.type.value}), which one cell cannot fill.",
            advice="Leave the column out of the mapping.",
            code="RSC-5108",
        )
    return writer(field, text if field.type is FieldType.STRING else text.strip())


def number(field: Field, text: str) -> Decimal:
    """The number that a text is, whatever the field's range. Raises Unfit."""
    if not _DECIMAL.fullmatch(text):
        raise _refused(field, text, "a decimal number", advice=_number_advice(text))
    return Decimal(text)


def moment(written: str) -> datetime:
    """The moment that a lexical form means; a fraction is cut to what Python reads. Raises ValueError."""
    return datetime.fromisoformat(re.sub(r"(\.[0-9]{1,6})[0-9]*", lambda found: found[1].ljust(7, "0"), written))


def segments(text: str, *, delimiter: str, count: int) -> list[str]:
    """The parts of a delimited text, as an account with its dimensions; an empty one is between two delimiters.

    A delimiter cannot be part of a value. Raises Unfit where the text has another number of parts.
    """
    parts = [part.strip() for part in text.split(delimiter)]
    if len(parts) != count:
        raise Unfit(
            f"{_shown(text)} has {len(parts)} segments by the delimiter {delimiter!r}; the mapping names {count}.",
            advice="Write every segment, an empty one between two delimiters; a value that holds one needs its own column.",
            code="RSC-5123",
        )
    return parts


def length(text: str) -> int:
    """Length as AX counts it: UTF-16 units, of which a character beyond the basic plane takes two."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def _missing(field: Field) -> Unfit:
    return Unfit(f"The field {field.name} is mandatory, and empty here.", advice="Fill it in.", code="RSC-3105")


def _refused(field: Field, text: str, wanted: str, *, advice: str = "") -> Unfit:
    return Unfit(f"{field.name}: {_shown(text)} is not {wanted}.", advice=advice or "Correct the cell.", code="RSC-5101")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _string(field: Field, text: str) -> str:
    if found := FORBIDDEN.search(text):
        raise Unfit(
            f"{field.name}: the character U+{ord(found[0]):04X} at position {found.start() + 1} cannot travel in XML.",
            advice="Remove the control character from the cell.",
            code="RSC-5103",
        )
    if field.max_length is not None and (given := length(text)) > field.max_length:
        raise Unfit(
            f"{field.name}: the text has {given} characters, {field.name} takes {field.max_length}.",
            advice="Shorten it: AX would cut it off without a word.",
            code="RSC-5102",
        )
    return text


def _symbol(field: Field, text: str) -> str:
    if text in field.symbols:
        return text
    wanted = text.strip().casefold()
    folded = {symbol.casefold(): symbol for symbol in reversed(field.symbols)}
    if wanted in folded:
        return folded[wanted]
    if (symbol := _named(field, wanted)) is not None:
        return symbol
    for words in (_TRUE, _FALSE):  # yes/no enumerations are written in many ways
        if wanted in words and folded.keys() in ({"yes", "no"}, {"true", "false"}):
            return next(symbol for fold, symbol in folded.items() if fold in words)
    if several := [symbol for symbol, label in zip(field.symbols, field.labels, strict=False) if label.casefold() == wanted]:
        advice = f"Write the symbol that is meant: {' or '.join(several)}."
        raise _refused(field, text, "one value: several are called so", advice=advice)
    listed = ", ".join(field.symbols[:12]) + (", ..." if len(field.symbols) > 12 else "")
    raise _refused(field, text, f"one of {listed}", advice="Use the symbol's name as AX knows it.")


def _named(field: Field, wanted: str) -> str | None:
    """The symbol of a label or number, where the contract tells them; a label that two symbols share names neither."""
    labels = [label.casefold() for label in field.labels]
    if labels.count(wanted) == 1:
        return field.symbols[labels.index(wanted)]
    numbers = [str(number) for number in field.numbers]
    return field.symbols[numbers.index(wanted)] if wanted in numbers else None


def _integer(field: Field, text: str) -> str:
    found = _INTEGER.fullmatch(text)
    if not found:
        raise _refused(field, text, "a whole number", advice=_number_advice(text))
    _in_range(field, text, Decimal(found[1]))
    return found[1]


def _decimal(field: Field, text: str) -> str:
    _in_range(field, text, number(field, text))
    if field.decimals is not None and len(text.partition(".")[2].rstrip("0")) > field.decimals:
        raise _refused(field, text, f"a number with at most {field.decimals} decimals", advice="Round it.")
    return text


def _in_range(field: Field, text: str, value: Decimal) -> None:
    for bound, outside in ((field.minimum, value.__lt__), (field.maximum, value.__gt__)):
        if bound is not None and outside(Decimal(bound)):
            raise _refused(field, text, f"between {field.minimum or 'any'} and {field.maximum or 'any'}")


def _number_advice(text: str) -> str:
    if "," in text:
        return "Write it with a decimal point and without thousands separators."
    if re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]+", text):
        return "A spreadsheet has rounded it to scientific notation: take it from the source again."
    return ""


def _date(field: Field, text: str) -> str:
    found = _DATE.fullmatch(text)
    if not found:
        moment = _DATETIME.fullmatch(text)
        wanted = "a date without a time of day" if moment and moment[2] else "a date"
        raise _refused(field, text, wanted, advice="Write it as 2011-01-31.")
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise _refused(field, text, "a day of the calendar", advice="Correct the day.") from None
    _in_time(field, text, day)
    return day.isoformat()


def _datetime(field: Field, text: str) -> str:
    found = _DATETIME.fullmatch(text)
    advice = "Write it as 2011-01-31T13:30:00Z."
    if not found:
        raise _refused(field, text, "a date and time", advice=advice)
    written = f"{found[1]}T{found[2] or '00:00'}{found[3] or ':00'}{found[4] or ''}"
    try:
        meant = moment(written)
    except ValueError:
        raise _refused(field, text, "a moment of the calendar", advice=advice) from None
    _in_time(field, text, meant.date())
    if field.name.endswith(LOCAL):
        return written
    if not meant.tzinfo:
        return f"{written}Z"
    in_utc = meant.astimezone(UTC)
    _in_time(field, text, in_utc.date())  # there the day may be another one
    return f"{in_utc.replace(tzinfo=None).isoformat()}Z" if in_utc.utcoffset() != meant.utcoffset() else written


def _in_time(field: Field, text: str, day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        advice = "AX 2012 keeps no other days: correct the cell, or leave it empty for no date."
        raise _refused(field, text, f"between {FIRST_DAY} and {LAST_DAY}", advice=advice)


def _time(field: Field, text: str) -> str:
    found = _TIME.fullmatch(text)
    if not found:
        raise _refused(field, text, "a time of day", advice="Write it as 13:30:00.")
    hour, half = int(found[1]), (found[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 24
    seconds = found[3] or "00"
    if hour > 23 or int(found[2]) > 59 or float(seconds) >= 60:
        raise _refused(field, text, "a time of day", advice="Write it as 13:30:00.")
    return f"{hour:02d}:{found[2]}:{seconds}"


def _boolean(field: Field, text: str) -> str:
    folded = text.casefold()
    if folded in _TRUE or folded in _FALSE:
        return "true" if folded in _TRUE else "false"
    raise _refused(field, text, "true or false")


def _guid(field: Field, text: str) -> str:
    found = _GUID.fullmatch(text)
    if not found:
        raise _refused(field, text, "a GUID")
    return f"{{{found[1]}}}"  # AX's own type for it asks for the braces


def _base64(field: Field, text: str) -> str:
    packed = "".join(text.split())
    if not _BASE64.fullmatch(packed):
        raise _refused(field, text, "Base64")
    return packed


_WRITERS: Final = {
    FieldType.STRING: _string,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.TIME: _time,
    FieldType.BOOLEAN: _boolean,
    FieldType.GUID: _guid,
    FieldType.BASE64: _base64,
}
