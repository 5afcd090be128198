"""The text of a workbook's cells: what stands in AX is this text, so numbers lose no digit and gain no noise."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

#: Excel works with 15 significant digits. A longer number that is at most this long at 15 digits was that shorter number.
_PLAIN_DIGITS: Final = 12
_EXACT_INTEGERS: Final = 2**53
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001  Excel knows no zones
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


def of_number(value: float) -> str:
    """1000.0 is "1000", 0.30000000000000004 is "0.3", 1e-07 is "0.0000001"."""
    if value == int(value) and abs(value) < _EXACT_INTEGERS:
        return str(int(value))
    exact = repr(value)
    if _digits(exact) > 15:
        short = f"{value:.15g}"
        exact = short if _digits(short) <= _PLAIN_DIGITS else exact
    return format(Decimal(exact), "f") if "e" in exact else exact


def _digits(number: str) -> int:
    return len(number.partition("e")[0].replace(".", "").strip("-0"))


def of_boolean(value: object) -> str:
    """TRUE is "true"."""
    return "true" if value else "false"


def of_moment(value: date | datetime | time | timedelta) -> str:
    """A date "2023-09-04", a moment "2023-09-04T13:03:00", a time of day "13:03:00", a duration "36:00:00"."""
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, time):
        return value.isoformat("milliseconds").removesuffix(".000")
    if isinstance(value, datetime):
        rounded = value + timedelta(microseconds=500)
        if rounded.time() >= time(microsecond=1000):
            return rounded.isoformat("T", "milliseconds").removesuffix(".000")
        return rounded.date().isoformat()
    return value.isoformat()


def of_serial(serial: float, *, epoch_1904: bool, duration: bool) -> str:
    """A serial date of Excel: days since 1900 (with the leap day that never was) or since 1904."""
    milliseconds = round(serial * 86_400_000)
    span = timedelta(milliseconds=milliseconds)
    if duration:
        return of_moment(span)
    if serial < 1 and not epoch_1904:
        return of_moment((_EPOCH_1904 + span).time())
    epoch = _EPOCH_1904 if epoch_1904 else datetime(1899, 12, 30 if serial >= 60 else 31)  # noqa: DTZ001  Excel knows no zones
    return of_moment(epoch + span)


def unescaped(text: str) -> str:
    """Characters that XML cannot hold stand in a workbook as _x000D_."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
