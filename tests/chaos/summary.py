"""A run in a table, and its place in the README beside this module."""

import re
import statistics
from pathlib import Path
from typing import Final

from tests.chaos.run import Story

_README: Final = Path(__file__).with_name("README.md")


def table(story: Story, *, blocking: bool) -> str:
    """Markdown: faults by kind, what was loaded, and what was wrong."""
    judged = story.verdict
    longest, when = story.longest
    middle = statistics.median([seconds for seconds, _ in story.recoveries] or [0.0])
    loop = "the blocking loop" if blocking else "the event loop"
    facts = [
        ("faults", sum(story.struck.values())),
        ("jobs", story.jobs),
        ("rows", judged.rows),
        ("lost", len(judged.lost)),
        ("doubled", len(judged.doubled)),
        ("false reports", len(judged.false)),
        ("jobs without an end", len(judged.unfinished)),
        ("messages left on the broker", len(judged.left)),
        ("told as unknown (calls that are never made twice)", judged.unknown),
        ("longest recovery", f"{longest:.1f} s ({when})"),
        ("median recovery", f"{middle:.1f} s"),
    ]
    lines = [f"Seed {story.seed}, {loop}, {story.seconds / 60:.1f} minutes.", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts]
    lines += ["", "| fault | times |", "|---|---|", *(f"| {kind} | {times} |" for kind, times in sorted(story.struck.items()))]
    wrong = [*story.findings, *str(judged).splitlines()]
    return "\n".join([*lines, *(["", *(f"- {sentence}" for sentence in wrong)] if wrong else []), ""])


def write(text: str, *, blocking: bool) -> None:
    """Put the table between its marks in the README."""
    mark = "blocking" if blocking else "event"
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    old = _README.read_text(encoding="utf-8")
    _README.write_text(pattern.sub(lambda found: f"{found[1]}{text}{found[2]}", old), encoding="utf-8")
