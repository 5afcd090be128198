"""Finding the documents that make AX refuse a call, when a call is all or nothing. Pure."""

from collections import deque
from collections.abc import Callable, Sequence

from workers.errors import Complaint, Refusal


def narrowed(
    documents: Sequence[int],
    *,
    attempt: Callable[[Sequence[int]], None],
    refused: Callable[[int, Refusal, tuple[Complaint, ...]], None],
) -> int:
    """Makes the call for as many documents as AX takes; tells `refused` each document that stands alone as bad.

    A refusal that names records costs one more call without them. Named again in that rest, the part before the record
    goes first: AX stops at the first bad record, so the part was good. A refusal that names none is halved.
    Returns the number of refusals. What else `attempt` raises passes through.
    """
    waiting: deque[tuple[Sequence[int], bool]] = deque([(documents, False)] if documents else [])
    refusals = 0
    while waiting:
        group, again = waiting.popleft()
        try:
            attempt(group)
        except Refusal as refusal:
            if refusal.duplicate:
                raise
            refusals += 1
            waiting.extendleft((part, True) for part in reversed(_parts(group, refusal, again=again, refused=refused)) if part)
    return refusals


def _parts(
    group: Sequence[int],
    refusal: Refusal,
    *,
    again: bool,
    refused: Callable[[int, Refusal, tuple[Complaint, ...]], None],
) -> list[Sequence[int]]:
    """What is still to be sent of a refused group."""
    named = _named(group, refusal)
    if not named and len(group) == 1:
        named = {0: refusal.complaints}
    for place, complaints in named.items():
        refused(group[place], refusal, complaints)
    if not named:
        middle = len(group) // 2
        return [group[:middle], group[middle:]]
    if again and len(named) == 1:
        place = next(iter(named))
        return [group[:place], group[place + 1 :]]
    return [[document for place, document in enumerate(group) if place not in named]]


def _named(group: Sequence[int], refusal: Refusal) -> dict[int, tuple[Complaint, ...]]:
    """The complaints by place in the group; records that the group does not have are no names."""
    places: dict[int, tuple[Complaint, ...]] = {}
    for complaint in refusal.complaints:
        if complaint.record is not None and 1 <= complaint.record <= len(group):
            places[complaint.record - 1] = (*places.get(complaint.record - 1, ()), complaint)
    return places
