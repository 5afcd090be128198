"""Guess an entity's key from its rows: the shortest leading run of columns that no two rows share.

A guess is never silently relied on: whoever uses it says so.
"""

from array import array
from bisect import bisect_left
from itertools import islice
from typing import Final

from connector.intake.values import Action

_BUCKETS: Final = 1024
_SAMPLE_ROWS: Final = 2_000


def guess_key(action: Action) -> tuple[str, ...]:
    """The columns, or () when even whole rows repeat, or there are none.

    Reads the rows a few times; holds 8 bytes of each (two different rows pass for equal in 1 of 10 million files of a
    million rows, which only makes the guess longer). Raises PackageRefused.
    """
    width = len(action.columns)
    sample = [tuple(row.cells) for row in islice(action.rows(), _SAMPLE_ROWS)]
    # What repeats among the first rows repeats in the file: only longer runs need the whole file, and mostly just one of them.
    first = next((run for run in range(1, width + 1) if len({cells[:run] for cells in sample}) == len(sample)), None)
    if not sample or first is None:
        return ()
    if len(sample) < _SAMPLE_ROWS or _is_unique(action, first):
        return action.columns[:first]
    longer = range(first + 1, width + 1)
    found = bisect_left(longer, True, key=lambda run: _is_unique(action, run))
    return action.columns[: longer[found]] if found < len(longer) else ()


def _is_unique(action: Action, run: int) -> bool:
    """Whether no two rows share their first `run` cells: their hashes are sorted into buckets, each looked at by itself."""
    buckets = [array("q") for _ in range(_BUCKETS)]
    for _, cells, _ in action.rows():
        digest = hash(tuple(cells[:run]))
        buckets[digest % _BUCKETS].append(digest)
    return all(len(set(bucket)) == len(bucket) for bucket in buckets)
