"""Two passes over the rows of one batch: what the second starts from, and what a row is told after both. Pure.

A row is one row: it was created in the first pass and completed in the second, and its outcome is the worse of both.
"""

import json
from dataclasses import dataclass
from typing import Final

from connector.wire.reports import OUTCOME_WORDS, PENDING, Outcome, Outcomes, Problem

#: Outcomes of the first pass after which a row takes part in the second.
_IN: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """The second pass of a batch: the rank in which it goes, and the fields that it fills."""

    rank: int
    fields: tuple[str, ...]

    def as_text(self) -> str:
        """As the ledger keeps it."""
        return json.dumps({"rank": self.rank, "fields": self.fields})


def read(text: str | None) -> Second | None:
    """What `as_text` wrote; None where there is one pass."""
    if text is None:
        return None
    told = json.loads(text)
    return Second(rank=told["rank"], fields=tuple(told["fields"]))


def opened(outcomes: Outcomes) -> Outcomes | None:
    """The outcomes of the first pass with those rows open again that are in; None where none is."""
    letters = "".join(PENDING if letter in _IN else letter for letter in outcomes.letters)
    return outcomes.model_copy(update={"letters": letters}) if PENDING in letters else None


def ended(letters: str) -> str:
    """The letters of those rows of a first pass for which it was the last."""
    return "".join(letter for letter in letters if letter not in _IN)


def together(first: str, second: Outcomes) -> Outcomes:
    """What both passes come to. Problems are those of the second, and why rows that it left out are not whole."""
    letters = "".join(map(_worse, first, second.letters))
    told = [_explained(problem, first) for problem in second.problems if first[problem.row] in _IN]
    silent = {place for place, letter in enumerate(letters) if letter == Outcome.SKIPPED and first[place] in _IN}
    left = [_left_out(place, first) for place in sorted(silent - {problem.row for problem in told})]
    return second.model_copy(update={"letters": letters, "problems": (*told, *left)})


def _worse(first: str, second: str) -> str:
    if first not in _IN or second not in _IN:
        return second
    return next(letter for letter in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED) if letter in (first, second))


def _explained(problem: Problem, first: str) -> Problem:
    return problem.model_copy(update={"message": f"{problem.message} {_half(first[problem.row])}"})


def _left_out(place: int, first: str) -> Problem:
    return Problem(
        row=place,
        message=f"The second pass was not made for this row. {_half(first[place])}",
        advice="Load the file again in mode upsert: what is in stays, and the rest is filled.",
        code="RSC-3145",
    )


def _half(letter: str) -> str:
    done = f"was {OUTCOME_WORDS[Outcome(letter)]}" if letter != Outcome.UNCHANGED else "was there"
    return f"The record {done} in the first pass; what the second fills is missing."
