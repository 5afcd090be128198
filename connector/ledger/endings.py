"""What is told of the rows of a batch whose job ends before they have an outcome: skipped, or unknown. Pure."""

from typing import Final

from connector.ledger.places import expand
from connector.wire.reports import PENDING, Intent, Outcome, Outcomes, Problem

#: Operations that leave what is there as it is when the same rows come again.
_OF_DOCUMENTS: Final = frozenset({"create", "update", "delete"})


def ended(so_far: Outcomes, *, places: str, step: int, intent: Intent | None) -> Outcomes:
    """The outcomes of all rows. `intent` is the call that was granted and never told its end; `step` that of the root rows."""
    doubtful = _doubtful(expand(places), step, intent) if intent else set()
    pending = {place for place, letter in enumerate(so_far.letters) if letter == PENDING}
    ends = {place: Outcome.UNKNOWN if place in doubtful else Outcome.SKIPPED for place in pending}
    letters = "".join(ends.get(place, letter) for place, letter in enumerate(so_far.letters))
    untold = [_untold(place, intent) for place in sorted(pending & doubtful) if intent]
    return so_far.model_copy(update={"letters": letters, "problems": (*so_far.problems, *untold)})


def _doubtful(places: list[tuple[int, int]], step: int, intent: Intent) -> set[int]:
    """The rows that the call may have changed: an operation is called for one row, with those that are nested in it."""
    if intent.operation in _OF_DOCUMENTS:
        return set(range(len(places)))
    roots = [place for place, (of, _) in enumerate(places) if of == step]
    last = dict(zip(roots, [*roots[1:], len(places)], strict=True))
    return {place for number in intent.documents for root in roots[number : number + 1] for place in range(root, last[root])}


def _untold(row: int, intent: Intent) -> Problem:
    is_call = intent.operation not in _OF_DOCUMENTS
    return Problem(
        row=row,
        message="The job ended while a call was under way whose end was never told: the row may be in AX, or not.",
        advice="Look in AX whether the call has taken effect, before the row is loaded again."
        if is_call
        else "Have it looked up (rapidstart job resolve JOB --all --as lookup), or load the file again: what is in stays.",
        code="RSC-3121",
    )
