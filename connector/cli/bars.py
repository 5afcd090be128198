"""Live bars on a terminal: a line per step, the ones at work first when there are more than fit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from connector import api
from connector.cli import words
from connector.cli.front import printable
from connector.cli.watching import Show

_MARKS: Final = {
    "queued": ("·", "dim"),
    "running": ("⟳", "cyan"),
    "succeeded": ("✓", "green"),
    "partly_succeeded": ("!", "yellow"),
    "failed": ("✗", "red"),
    "cancelled": ("-", "yellow"),
}
#: Lines that each job takes beside its steps.
_FRAME: Final = 3
_BAR_WIDTH: Final = 20


@contextmanager
def bars(console: Console) -> Iterator[Show]:
    """Shows jobs in place until the block ends; the last state stays on the screen."""
    with Live(console=console, refresh_per_second=8, vertical_overflow="visible") as live:

        def show(jobs: list[api.Job]) -> None:
            room = max(3, (console.height - 1) // len(jobs) - _FRAME)
            live.update(Group(*(_job(job, room=room) for job in jobs)))

        yield show


def _job(job: api.Job, *, room: int) -> Group:
    steps = visible(job["steps"], room=room)
    table = Table.grid(padding=(0, 1))
    for step in steps:
        table.add_row(*_step(step))
    title = Text(printable(f"{words.headline(job)}  → {job['endpoint']} {job['company'] or ''}"), style="bold")
    hidden = len(job["steps"]) - len(steps)
    return Group(title, table, *([Text(f"   and {words.plural(hidden, 'more step')}", style="dim")] if hidden else []))


def visible(steps: Sequence[api.Step], *, room: int) -> list[api.Step]:
    """The steps that fit, in their order: those at work before those to come before those that ended."""
    urgency = {"running": 0, "queued": 1}
    chosen = sorted(steps, key=lambda step: (urgency.get(step["state"], 2), step["no"]))[:room]
    return sorted(chosen, key=lambda step: step["no"])


def _step(step: api.Step) -> tuple[Text, Text, Text, ProgressBar | Text, Text]:
    mark, style = _MARKS.get(step["state"], (" ", ""))
    rows = step["rows"]
    so_far = words.done(rows)
    numbers = f"{so_far:,}/{rows['total']:,}"
    spent = words.seconds(step["started_at"], step["finished_at"] if so_far == rows["total"] else None)
    if step["state"] == "running":
        bar: ProgressBar | Text = ProgressBar(total=max(1, rows["total"]), completed=so_far, width=_BAR_WIDTH)
        pace = f"{so_far / spent:,.0f} rows/s" if spent and so_far else ""
    else:
        bar, pace = Text(_outcomes(rows)), words.span(spent) if so_far else ""
    bad = ", ".join(f"{rows[word]:,} {word.replace('_', ' ')}" for word in words.BAD if rows[word])
    return (
        Text(f" {mark}", style=style),
        Text(printable(step["entity"])),
        Text(numbers, justify="right"),
        bar,
        Text("  ".join(part for part in (pace, bad) if part), style="red" if bad else "dim"),
    )


def _outcomes(rows: api.Rows) -> str:
    good = (word for word in words.OUTCOMES if word not in words.BAD)
    return ", ".join(f"{rows[word]:,} {word}" for word in good if rows[word])
