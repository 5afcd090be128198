"""Pages of lists that are short enough to be read whole, by a key that stays: where a page ends, the next begins."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

T = TypeVar("T")

#: How many a page holds, and the key of the last one of the page before.
Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(alias="cursor", max_length=200, description="`next` of the page before.")]


def page(found: Sequence[T], *, key: Callable[[T], str], after: str | None, limit: int) -> tuple[Sequence[T], str | None]:
    """Those behind the one with the key `after`, whether it is still there or not; and the cursor, None on the last page.

    They come in the order of their keys, as this process compares them: each database has an order of its own.
    """
    left = sorted((each for each in found if after is None or key(each) > after), key=key)
    shown = left[:limit]
    return shown, key(shown[-1]) if len(left) > limit else None
