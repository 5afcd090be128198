"""Lists that sort, filter and keep their state in the address. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query

#: By which column, as `name` or, downwards, `-name`.
Sort = Annotated[str, Query(max_length=40, pattern=r"^-?[a-z_]*$")]
#: What people look for.
Sought = Annotated[str, Query(max_length=200)]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By which column a list is sorted."""

    column: str
    down: bool = False

    @property
    def asked(self) -> str:
        """What an address says that asks for it."""
        return f"{'-' if self.down else ''}{self.column}"

    def turned(self, column: str) -> str:
        """What a click on a column's head asks for: that column, or the other way round."""
        return f"-{column}" if column == self.column and not self.down else column

    def told(self, column: str) -> str:
        """What assistive technology reads of the column."""
        if column != self.column:
            return "none"
        return "descending" if self.down else "ascending"


def order(wanted: str, known: Sequence[str], *, otherwise: str) -> Order:
    """The order that an address asks for, or else the usual one."""
    asked = wanted if wanted.removeprefix("-") in known else otherwise
    return Order(column=asked.removeprefix("-"), down=asked.startswith("-"))


def arranged(items: Sequence[T], by: Order, columns: dict[str, Callable[[T], Any]]) -> list[T]:
    """The items in order; those that have nothing in the column stand last."""
    key = columns[by.column]
    told = [each for each in items if key(each) is not None]
    return sorted(told, key=key, reverse=by.down) + [each for each in items if key(each) is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged(Generic[T]):
    """Those of a list that are shown, and where the pages before and behind them begin, None where there is none."""

    shown: Sequence[T]
    before: int | None
    following: int | None


def paged(items: Sequence[T], *, skip: int, at_once: int) -> Paged[T]:
    """A page of a list that is at hand as a whole."""
    behind = skip + at_once
    return Paged(
        shown=items[skip:behind],
        before=max(0, skip - at_once) if skip else None,
        following=behind if behind < len(items) else None,
    )


def matching(items: Sequence[T], sought: str, text: Callable[[T], str]) -> list[T]:
    """The items in whose text every word stands that is sought, in any case of letters."""
    wanted = sought.casefold().split()
    return [each for each in items if all(word in text(each).casefold() for word in wanted)]
