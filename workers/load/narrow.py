"""Finding the documents that make AX refuse a call, when a call is all or nothing. Pure."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from workers.errors import Complaint, Refusal

Refuse = Callable[[int, Refusal, tuple[Complaint, ...]], None]


def divided(documents: Sequence[int], *, most: int, unit: Callable[[int], int]) -> Iterator[Sequence[int]]:
    """Consecutive documents, at most `most` at a time (0: all); those of one unit are never divided, however many they are."""
    part: list[int] = []
    for _, members in groupby(documents, unit):
        whole = list(members)
        if most and part and len(part) + len(whole) > most:
            yield part
            part = []
        part += whole
    if part:
        yield part


def narrowed(
    documents: Sequence[int],
    *,
    attempt: Callable[[Sequence[int]], None],
    refused: Refuse,
    unit: Callable[[int], int] = int,
    skip: Callable[[int], bool] = lambda _: False,
) -> int:
    """Makes the call for as many documents as AX takes; tells `refused` each document that stands alone as bad.

    A refusal that names records costs one more call without them. Named again in that rest, the part before the record
    goes first: AX stops at the first bad record, so the part was good. A refusal that names none is halved.
    Consecutive documents of one `unit` are never divided: with a bad one the others stay unsent, and are not told.
    Where a call is too large for the port, no later one is as large. What `skip` says is not sent, asked before each call.
    Returns the number of refusals. What else `attempt` raises passes through.
    """
    waiting: deque[tuple[Sequence[int], bool]] = deque([(documents, False)])
    refusals, most = 0, len(documents)
    while waiting:
        group, again = waiting.popleft()
        group = group if not any(map(skip, group)) else [document for document in group if not skip(document)]
        units = list(dict.fromkeys(map(unit, group)))
        if len(units) > most:
            waiting.extendleft((part, False) for part in reversed(_chunks(group, units, most=most, unit=unit)))
            continue
        try:
            if group:
                attempt(group)
        except Refusal as refusal:
            if refusal.duplicate:
                raise
            refusals += 1
            if refusal.too_large and len(units) > 1:
                most = len(units) // 2
                waiting.appendleft((group, again))
                continue
            parts = _parts(group, refusal, again=again, refused=refused, unit=unit)
            waiting.extendleft((part, True) for part in reversed(parts) if part)
    return refusals


def _chunks(group: Sequence[int], units: Sequence[int], *, most: int, unit: Callable[[int], int]) -> list[list[int]]:
    """The group in parts of at most so many units."""
    chunk_of = {one: place // most for place, one in enumerate(units)}
    chunks: list[list[int]] = [[] for _ in range(0, len(units), most)]
    for document in group:
        chunks[chunk_of[unit(document)]].append(document)
    return chunks


def _parts(
    group: Sequence[int], refusal: Refusal, *, again: bool, refused: Refuse, unit: Callable[[int], int]
) -> list[list[int]]:
    """What is still to be sent of a refused group."""
    units = list(dict.fromkeys(map(unit, group)))
    named = _named(group, refusal)
    if not named and len(units) > 1:
        first = set(units[: len(units) // 2])
        return _cut(group, lambda document: unit(document) in first)
    for place in named or range(len(group)):
        refused(group[place], refusal, named.get(place, refusal.complaints))
    bad = {unit(group[place]) for place in named or range(len(group))}
    rest = [document for document in group if unit(document) not in bad]
    if not again or len(bad) > 1:
        return [rest]
    before = set(units[: units.index(next(iter(bad)))])
    return _cut(rest, lambda document: unit(document) in before)


def _cut(group: Sequence[int], is_first: Callable[[int], bool]) -> list[list[int]]:
    return [[document for document in group if is_first(document)], [document for document in group if not is_first(document)]]


def _named(group: Sequence[int], refusal: Refusal) -> dict[int, tuple[Complaint, ...]]:
    """The complaints by place in the group; records that the group does not have are no names."""
    places: dict[int, tuple[Complaint, ...]] = {}
    for complaint in refusal.complaints:
        if complaint.record is not None and 1 <= complaint.record <= len(group):
            places[complaint.record - 1] = (*places.get(complaint.record - 1, ()), complaint)
    return places
