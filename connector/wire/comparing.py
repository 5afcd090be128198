"""When two texts of a field mean the same to AX: the same rules for both houses.

Pure: it knows what a contract says of a field. It never says whether a text fits one: that is `values`.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

from connector.wire import values
from connector.wire.metadata import Field, FieldType

#: How AX stores "no date"; a read leaves such a field out: null and zero are not sent.
NO_DATE: Final = values.FIRST_DAY


def comparable(field: Field, text: str | None) -> object:
    """A value that is equal for texts that mean the same in AX; absent, empty and the type's default are one.

    AX leaves null and zero out when it reads, so `None` equals "", 0, 1900-01-01 or an enumeration's first symbol.
    A text that is no value of the field is compared as it stands.
    """
    text = text or ""
    if field.symbols:
        return _symbol(field, text)
    if field.type is FieldType.STRING:
        return text
    reader = _READERS.get(field.type)
    try:
        return reader(field, text.strip()) if reader else text.strip()
    except values.Unfit:
        return text


def folded(field: Field, text: str | None) -> object:
    """The same of a value in a key: there AX does not tell apart capital and small letters, nor blanks at the end."""
    value = comparable(field, text)
    return value.rstrip().casefold() if isinstance(value, str) else value


def _symbol(field: Field, text: str) -> object:
    # An absent enumeration is the value 0; that it is the first symbol holds for every contract that was seen.
    if not text and "" not in field.symbols:
        return field.symbols[0].casefold()
    try:
        return values.lexical(field, text).casefold()
    except values.Unfit:
        return text


def _number(field: Field, text: str) -> object:
    """Whole numbers may be written with decimals; the field's range does not matter here."""
    return values.number(field, text) if text else Decimal(0)


def _day(field: Field, text: str) -> object:
    return date.fromisoformat(values.lexical(field, text)) if text else NO_DATE


def _moment(field: Field, text: str) -> object:
    if not text:
        return datetime.combine(NO_DATE, time(), UTC)
    read = values.moment(values.lexical(field, text)).replace(microsecond=0)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _time_of_day(field: Field, text: str) -> object:
    return time.fromisoformat(values.lexical(field, text)[:8]) if text else time()


def _truth(field: Field, text: str) -> object:
    return values.lexical(field, text or "false")


def _identity(field: Field, text: str) -> object:
    return values.lexical(field, text or "00000000-0000-0000-0000-000000000000").casefold()


_READERS: Final = {
    FieldType.INTEGER: _number,
    FieldType.DECIMAL: _number,
    FieldType.DATE: _day,
    FieldType.DATETIME: _moment,
    FieldType.TIME: _time_of_day,
    FieldType.BOOLEAN: _truth,
    FieldType.GUID: _identity,
    FieldType.BASE64: values.lexical,
}
