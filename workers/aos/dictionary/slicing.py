"""Asks for many things a slice at a time: an answer holds so much and no more, and nobody says beforehand how much that is."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from workers.errors import GiveUp, Refusal, Retry

K = TypeVar("K")
T = TypeVar("T")

#: After so many slices in a row that were answered, larger ones are tried again.
_CALM: Final = 8
#: Codes of answers that are larger than is read, or cannot be read.
_UNREADABLE: Final = frozenset({"RSC-5906", "RSC-5411"})
#: Nothing was refused: this worker is told to stop.
_STOPPING: Final = "RSC-5490"


def sliced(
    keys: Sequence[K],
    read: Callable[[Sequence[K]], list[T]],
    *,
    size: int,
    is_there: Callable[[], object],
    skip: Callable[[K, str], None],
) -> Iterator[tuple[Sequence[K], list[T]]]:
    """The answers, each with the keys that were asked for; at most `size` of them.

    A slice that is refused, is too large, or breaks the connection is halved. One key that is refused for itself is told to
    `skip`, with the reason. Raises what `is_there` raises, an easy question that is asked after a broken connection, and
    GiveUp.
    """
    place, now, calm = 0, size, 0
    while place < len(keys):
        some = keys[place : place + now]
        try:
            found = read(some)
        except (Refusal, Retry, GiveUp) as error:
            _bear(error, is_there)
            if len(some) == 1:
                skip(some[0], error.message)
                place += 1
            now, calm = max(1, len(some) // 2), 0
            continue
        place, calm = place + len(some), calm + 1
        if calm >= _CALM:
            now, calm = min(size, now * 2), 0
        yield some, found


def _bear(error: Refusal | Retry | GiveUp, is_there: Callable[[], object]) -> None:
    """Raises the error again unless a smaller question may help."""
    if error.code == _STOPPING or (isinstance(error, GiveUp) and error.code not in _UNREADABLE):
        raise error
    if isinstance(error, Retry):
        is_there()
