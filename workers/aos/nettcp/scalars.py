"""Values in binary XML [MC-NBFX 2.2.3], each printed as XML Schema writes its type."""

import base64
import math
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from workers.aos.nettcp.borrowed import Garbled

_EPOCH: Final = datetime(1, 1, 1)  # noqa: DTZ001 - .NET counts from here, in no time zone
_TICKS: Final = 10_000_000
_LAST: Final = 3_155_378_975_999_999_999
_UTC, _UNSPECIFIED = 1, 0
_DAY: Final = 86_400 * _TICKS


def decoded(data: bytes, encoding: str) -> str:
    """Text. Raises Garbled."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Garbled("a text is not in its encoding") from error


def moment(data: bytes) -> str:
    """A DateTime. What .NET holds in local time travels in UTC; without a kind it has no time zone here either."""
    raw: int = struct.unpack("<Q", data)[0]
    ticks, kind = raw & ((1 << 62) - 1), raw >> 62
    if kind not in (_UNSPECIFIED, _UTC) and ticks > (1 << 62) - _DAY:
        ticks = 0  # the first day, put back by the time zone to before all days
    if ticks > _LAST:
        raise Garbled("a moment lies beyond the year 9999")
    seconds, rest = divmod(ticks, _TICKS)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    return text + _fraction(rest) + ("" if kind == _UNSPECIFIED else "Z")


def duration(data: bytes) -> str:
    """A TimeSpan, as xs:duration."""
    ticks: int = struct.unpack("<q", data)[0]
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, rest = divmod(ticks, _TICKS)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    time = "".join(f"{value}{unit}" for value, unit in ((hour, "H"), (minute, "M")) if value)
    if second or rest or not (day or time):
        time += f"{second}{_fraction(rest)}S"
    return f"{sign}P{f'{day}D' if day else ''}{f'T{time}' if time else ''}"


def decimal(data: bytes) -> str:
    """A Decimal: flags, high, low and middle part; its zeros are kept."""
    flags, high, low, middle = struct.unpack("<IIII", data)
    scale = flags >> 16 & 0xFF
    if scale > 28:
        raise Garbled("a decimal has more places than there are")
    digits = str(high << 64 | middle << 32 | low).rjust(scale + 1, "0")
    sign = "-" if flags >> 31 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else sign + digits


def single(data: bytes) -> str:
    """A float of 4 bytes, in the fewest digits that mean it."""
    value: float = struct.unpack("<f", data)[0]
    short = (f"{value:.{digits}g}" for digits in range(6, 10))
    return _special(value) or next(text for text in short if _same(text, data))


def double(data: bytes) -> str:
    """A float of 8 bytes."""
    value: float = struct.unpack("<d", data)[0]
    return _special(value) or repr(value)


def truth(data: bytes) -> str:
    """A Boolean."""
    return "true" if data != b"\0" else "false"


def _same(text: str, data: bytes) -> bool:
    try:
        return struct.pack("<f", float(text)) == data
    except OverflowError:  # rounded up beyond the largest
        return False


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return ("INF" if value > 0 else "-INF") if math.isinf(value) else ""


def _fraction(ticks: int) -> str:
    return f".{ticks:07d}".rstrip("0") if ticks else ""


def _integer(data: bytes) -> str:
    return str(int.from_bytes(data, "little", signed=True))


def _text(encoding: str) -> Callable[[bytes], str]:
    return lambda data: decoded(data, encoding)


def _constant(text: str) -> Callable[[bytes], str]:
    return lambda _: text


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


#: Records whose values have one size: bytes, and how they are read.
FIXED: Final[dict[int, tuple[int, Callable[[bytes], str]]]] = {
    0x80: (0, _constant("0")),
    0x82: (0, _constant("1")),
    0x84: (0, _constant("false")),
    0x86: (0, _constant("true")),
    0x88: (1, _integer),
    0x8A: (2, _integer),
    0x8C: (4, _integer),
    0x8E: (8, _integer),
    0x90: (4, single),
    0x92: (8, double),
    0x94: (16, decimal),
    0x96: (8, moment),
    0xA8: (0, _constant("")),
    0xAC: (16, lambda data: f"urn:uuid:{UUID(bytes_le=data)}"),
    0xAE: (8, duration),
    0xB0: (16, lambda data: str(UUID(bytes_le=data))),
    0xB2: (8, lambda data: str(int.from_bytes(data, "little"))),
    0xB4: (1, truth),
}
#: Records whose values bring their size: bytes of the size, and how they are read.
SIZED: Final[dict[int, tuple[int, Callable[[bytes], str]]]] = {
    0x98: (1, _text("utf-8")),
    0x9A: (2, _text("utf-8")),
    0x9C: (4, _text("utf-8")),
    0x9E: (1, _base64),
    0xA0: (2, _base64),
    0xA2: (4, _base64),
    0xB6: (1, _text("utf-16-le")),
    0xB8: (2, _text("utf-16-le")),
    0xBA: (4, _text("utf-16-le")),
}
