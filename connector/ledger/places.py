"""Where the rows of a batch stand in the package, in few characters. Pure."""

import json
from collections.abc import Iterable

from connector.wire.reports import OUTCOME_WORDS

#: Consecutive rows: (step, first row number, how many).
Run = tuple[int, int, int]


def runs(places: Iterable[tuple[int, int]]) -> list[Run]:
    """(step, row number) of each row, in sequence, as runs."""
    found: list[Run] = []
    for step, number in places:
        if found and found[-1][0] == step and found[-1][1] + found[-1][2] == number:
            found[-1] = (step, found[-1][1], found[-1][2] + 1)
        else:
            found.append((step, number, 1))
    return found


def expand(encoded: str) -> list[tuple[int, int]]:
    """The (step, row number) of each row of a batch again."""
    return [(step, first + offset) for step, first, count in json.loads(encoded) for offset in range(count)]


def letters_by_step(encoded: str, letters: str) -> dict[int, str]:
    """The outcome letters of a batch, per step. Raises ValueError where there are not as many letters as rows."""
    found: dict[int, str] = {}
    start = 0
    for step, _, count in json.loads(encoded):
        found[step] = found.get(step, "") + letters[start : start + count]
        start += count
    if start != len(letters) or not set(letters) <= set(OUTCOME_WORDS):
        raise ValueError(f"{len(letters)} outcomes were told of {start} rows, or one is no outcome")
    return found
