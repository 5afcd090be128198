"""A column of cells at once: what surely suits a field, line by line, for both houses.

It only ever says yes. Where it does not, each cell is asked by itself: see `values`.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from connector.wire.metadata import Field, FieldType
from connector.wire.values import FORBIDDEN

#: The greatest number of the few digits that are in range of every integer type but the smallest.
_SMALL: Final = 999_999_999
#: Digits on either side of the point that every reader of decimals takes.
DIGITS: Final = 10
#: Days that every year has, in the years that AX 2012 keeps.
_DAY: Final = (
    r"(?:19[0-9]{2}|20[0-9]{2}|21(?:[0-4][0-9]|5[0-4]))-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DAYS: Final = re.compile(rf"(?:{_DAY}\n)*")
_MOMENTS: Final = re.compile(rf"(?:{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z\n)*")


def pattern(field: Field) -> re.Pattern[str] | None:
    """Lines that suit the field as they stand; None for fields of which only each cell itself can tell."""
    if field.symbols:
        return None
    if field.type is FieldType.DATE:
        return _DAYS
    if field.type is FieldType.DATETIME:
        return _MOMENTS
    if field.type is FieldType.INTEGER and _spans(field):
        return re.compile(r"(?:-?[0-9]{1,9}\n)*")
    if field.type is FieldType.DECIMAL and field.minimum is None and field.maximum is None:
        places = DIGITS if field.decimals is None else min(field.decimals, DIGITS)
        fraction = rf"(?:\.[0-9]{{1,{places}}})?" if places else ""
        return re.compile(rf"(?:-?[0-9]{{1,{DIGITS}}}{fraction}\n)*")
    return None


def suit(lines: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether each of the cells is such a line."""
    joined = "\n".join([*cells, ""])
    return lines.fullmatch(joined) is not None and joined.count("\n") == len(cells)


def surely(field: Field) -> Callable[[Sequence[str]], bool]:
    """Says of filled cells (at least one) whether all of them surely fit the field; a no is only a doubt."""
    if field.symbols:
        return frozenset(field.symbols).issuperset
    if field.type is FieldType.STRING:
        return partial(_are_texts, field.max_length)
    lines = pattern(field)
    return partial(suit, lines) if lines else _cannot_tell


def _are_texts(limit: int | None, cells: Sequence[str]) -> bool:
    joined = "".join(cells)
    if not joined.isprintable() and FORBIDDEN.search(joined):  # all that XML forbids is unprintable to Python
        return False
    # AX counts a character beyond the basic plane twice.
    return limit is None or (max(map(len, cells)) <= limit and (joined.isascii() or max(joined) <= "\uffff"))


def _cannot_tell(_: Sequence[str]) -> bool:
    return False


def _spans(field: Field) -> bool:
    low, high = Decimal(field.minimum or -_SMALL), Decimal(field.maximum or _SMALL)
    return low <= -_SMALL and high >= _SMALL
