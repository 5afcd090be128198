"""The verdict accuses nobody who told the truth, and everybody who did not."""

from collections import Counter

import pytest

from tests.chaos import verdict, work
from tests.chaos.verdict import Verdict
from tests.chaos.work import Work

LIMITS = "3 Limits"


def told(*, unknown: tuple[int, ...] = (), failed: tuple[int, ...] = (7,), count: int | None = None) -> Work:
    """The calls of a load as they are told: these rows of the limits are, and the others were carried out."""
    done = next(work.calls())
    rows = {outcome: numbers for outcome, numbers in (("unknown", unknown), ("failed", failed)) if numbers}
    limits = {"updated": 13 - len(unknown) - len(failed)} | {outcome: len(numbers) for outcome, numbers in rows.items()}
    if count is not None:
        limits["unknown"] = count
    counts = done.counts | {LIMITS: Counter(limits)}
    done.told = {
        "state": "partly_succeeded",
        "reason": "",
        "steps": [{"entity": name, **words(each)} for name, each in counts.items()],
    }
    done.results = [{"entity": LIMITS, "row": row, "outcome": name} for name, numbers in rows.items() for row in numbers]
    return done


def words(counts: Counter[str]) -> dict[str, int]:
    return dict.fromkeys(("created", "updated", "unchanged", "deleted", "failed", "skipped", "unknown"), 0) | counts


def judged(done: Work) -> list[str]:
    found = Verdict()
    verdict._judge_report(found, done)
    return found.false


def test_the_truth_is_not_accused() -> None:
    assert next(work.calls()).counts[LIMITS] == Counter(updated=12, failed=1)
    assert judged(told()) == []


@pytest.mark.parametrize(("unknown", "failed"), [((3,), (7,)), ((7,), ()), ((2, 7, 9), ()), (tuple(range(2, 15)), ())])
def test_a_call_without_a_known_end_is_told_so_whatever_its_end_would_have_been(unknown, failed) -> None:
    assert judged(told(unknown=unknown, failed=failed)) == []


def test_a_failed_row_that_is_told_as_in_is_accused() -> None:
    assert len(judged(told(failed=()))) == 2


def test_a_row_that_is_told_as_failed_and_is_not_is_accused() -> None:
    assert judged(told(failed=(7, 8)))


def test_counts_that_do_not_fit_the_rows_are_accused() -> None:
    assert judged(told(unknown=(7,), failed=(), count=0))
