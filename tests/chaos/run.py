"""A run: loads without a pause, faults by the schedule, and the verdict when all has come to rest."""

import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos import faults, leftovers, verdict, work
from tests.chaos.faults import Fault, Finding
from tests.chaos.lane import Lane
from tests.chaos.rig import Rig, pause
from tests.chaos.verdict import Verdict

#: Whoever makes no progress for so long after a fault has ended is stuck.
_STUCK_S: Final = 45.0
_END_S: Final = 120.0
_LOOK_S: Final = 0.05


@dataclass
class Story:
    """What happened in a run."""

    seed: int
    seconds: float = 0.0
    jobs: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    recoveries: list[tuple[float, str]] = field(default_factory=list)
    """seconds from a fault's end until every load was under way again"""
    findings: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def longest(self) -> tuple[float, str]:
        return max(self.recoveries, default=(0.0, "nothing"))


def perform(
    folder: Path,
    *,
    count: int,
    seed: int,
    blocking: bool = False,
    kinds: tuple[str, ...] = (),
    most_s: float = math.inf,
    say: Callable[[str], None] = print,
) -> Story:
    """Run the schedule of this seed in a folder; everything is ended when it returns, and the logs are left there.

    `most_s`: after so many seconds no other fault is begun.
    """
    story = Story(seed)
    began = time.monotonic()
    rig = Rig(folder, blocking=blocking)
    lanes: list[Lane] = []
    try:
        rig.start()
        lanes.append(_prepared(rig))
        lanes += [
            Lane(rig.api_url, works, name=name, token=rig.token)
            for name, works in (("loads", work.loads()), ("calls", work.calls()))
        ]
        for lane in lanes[1:]:
            lane.start()
        for turn in faults.schedule(count, seed=seed, kinds=kinds or tuple(faults.KINDS)):
            if time.monotonic() - began > most_s:
                break
            _strike(rig, turn, story, lanes[1:], say=say)
        _end(story, lanes)
        story.verdict.left += leftovers.awaited(rig.broker.client)
    finally:
        rig.close()
        for lane in lanes:
            lane.finish(within_s=0)
    works = [each for lane in lanes for each in lane.done]
    judged = verdict.judge(works, folder / "aos" / "data")
    judged.unfinished += story.verdict.unfinished
    judged.left += story.verdict.left
    story.verdict, story.jobs, story.seconds = judged, len(works), time.monotonic() - began
    return story


def _prepared(rig: Rig) -> Lane:
    first = Lane(rig.api_url, iter([work.first_of_all()]), name="first", token=rig.token)
    first.start()
    assert first.finish(within_s=60), f"{first.trouble}\n{rig.logs()}"
    return first


def _strike(rig: Rig, turn: list[Fault], story: Story, lanes: list[Lane], *, say: Callable[[str], None]) -> None:
    """One fault, or two at once; then wait until every lane is under way again."""
    title = " + ".join(map(str, turn))
    rig.broker.keep_copy()
    try:
        with ExitStack() as stack:
            for fault in turn:
                story.struck[fault.kind] += 1
                stack.enter_context(faults.strike(rig, fault))
                pause(fault.choice.uniform(0, 0.3))
    except Finding as finding:
        story.findings.append(f"{title}: {finding}")
    took = _recovered(lanes, rig)
    say(f"{took:6.1f} s  {title}")
    story.recoveries.append((took, title))
    for name in rig.dead():
        story.findings.append(f"{title}: {name} has ended by itself")
        rig.revive(name)
    if took >= _STUCK_S:
        story.findings.append(f"{title}: no progress within {_STUCK_S:.0f} s")


def _recovered(lanes: list[Lane], rig: Rig) -> float:
    """Seconds until every lane has settled rows that it had not settled before."""
    began = time.monotonic()
    before = [lane.settled for lane in lanes]
    while any(lane.settled <= count for lane, count in zip(lanes, before, strict=True)):
        if time.monotonic() - began > _STUCK_S or rig.dead() or any(lane.trouble for lane in lanes):
            break
        pause(_LOOK_S)
    return time.monotonic() - began


def _end(story: Story, lanes: list[Lane]) -> None:
    """Let what is under way come to its end."""
    for lane in lanes:
        if not lane.finish(within_s=_END_S):
            name = lane.current.name if lane.current else "a load"
            story.verdict.unfinished.append(f"{name} did not come to its end")
        elif lane.trouble:
            story.verdict.unfinished.append(lane.trouble)
