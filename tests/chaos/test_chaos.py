"""Faults of every kind, drawn by a seed, while loads go on: nothing is lost, nothing is done twice, nothing told is false."""

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos import faults, run, summary

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: Longer than a lease, the time limit of a call, and the pauses of whoever connects again; shorter than a person's patience.
_RECOVERY_S = 40


def assert_faultless(story: run.Story, *, blocking: bool = False) -> None:
    told = summary.table(story, blocking=blocking)
    assert story.verdict.faultless, told
    assert not story.findings, told
    assert story.longest[0] < _RECOVERY_S, told


def test_fifty_faults(tmp_path: Path) -> None:
    story = run.perform(tmp_path, count=50, seed=1)
    assert_faultless(story)
    assert set(story.struck) == set(faults.KINDS)
    assert min(story.struck.values()) >= 2
    assert story.jobs >= 10


def test_faults_on_the_loop_that_celery_runs_on_windows(tmp_path: Path) -> None:
    """It never puts back what a dead worker held: recovery is the ledger's alone."""
    kinds = ("worker killed", "worker frozen", "broker killed", "broker flushed", "connections dropped", "network half-open")
    story = run.perform(tmp_path, count=12, seed=2, blocking=True, kinds=kinds)
    assert_faultless(story, blocking=True)


def test_one_seed_makes_one_schedule() -> None:
    first, again, other = (faults.schedule(100, seed=seed) for seed in (7, 7, 8))
    assert first == again != other
    counted = Counter(fault.kind for turn in first for fault in turn)
    assert sum(counted.values()) == 100
    assert max(counted.values()) - min(counted.values()) <= 1
    assert all(len({fault.victim for fault in turn}) == len(turn) for turn in first)
