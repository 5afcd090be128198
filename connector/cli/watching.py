"""Follows jobs to their end, by live events or by asking again and again, and hands each state to whoever shows it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

import click

from connector import api, live
from connector.cli import front, words
from connector.errors import NotReachable

if TYPE_CHECKING:
    from rich.console import Console

    from connector.client import Client

Show = Callable[[list[api.Job]], None]

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 1.0
#: A dispatcher that is started again within this time has not ended a watch.
_PATIENCE_S: Final = 60.0
_LINE_EVERY_S: Final = 10.0


def ended(job: api.Job) -> bool:
    """Nothing more will become of the job."""
    return job["state"] in api.FINAL_STATES


def follow(client: "Client", job_ids: Sequence[str], *, show: Show, until: Callable[[api.Job], bool] = ended) -> list[api.Job]:
    """Follow jobs until all of them are as `until` says; `show` gets them after each change. Returns them as last seen.

    One job is followed by its live events to its end; several, where events do not come through, and whoever goes sooner
    (perhaps by the clock, when nothing changes) asks again and again.
    Raises NotReachable once the dispatcher has been silent for a minute.
    """
    if len(job_ids) == 1 and until is ended:
        with suppress(NotReachable):
            for job in _live(client, job_ids[0]):
                show([job])
                if ended(job):
                    return [job]
    return _poll(client, job_ids, show=show, until=until)


def _live(client: "Client", job_id: str) -> Iterator[api.Job]:
    """The job as it changes. It is asked for anew where its steps are others, and once it has ended."""
    job: api.Job | None = None
    for event in client.follow(job_id):
        numbers = [step["no"] for step in event["steps"]]
        if job is None or event["finished_at"] or [step["no"] for step in job["steps"]] != numbers:
            job = client.job(job_id)
        else:
            job = _changed(job, event)
        yield job


def _changed(job: api.Job, event: live.JobEvent) -> api.Job:
    told: dict[str, Any] = {name: value for name, value in event.items() if name in job and name != "steps"}
    steps = [step | progress for step, progress in zip(job["steps"], event["steps"], strict=True)]
    return cast("api.Job", job | told | {"steps": steps})


def _poll(client: "Client", job_ids: Sequence[str], *, show: Show, until: Callable[[api.Job], bool]) -> list[api.Job]:
    seen: dict[str, api.Job] = {}
    pause, heard = _FIRST_PAUSE_S, time.monotonic()
    while True:
        try:
            for job_id in job_ids:
                if job_id not in seen or not until(seen[job_id]):
                    seen[job_id] = client.job(job_id)
            heard = time.monotonic()
        except NotReachable:
            if time.monotonic() - heard > _PATIENCE_S or not seen:
                raise
        if len(seen) == len(job_ids):
            show(list(seen.values()))
            if all(until(job) for job in seen.values()):
                return list(seen.values())
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE_S, pause * 1.25)


@contextmanager
def display(console: "Console", *, as_json: bool = False) -> Iterator[Show]:
    """How a watch shows itself: JSON lines, live bars on a terminal, a plain line now and then elsewhere."""
    if as_json:
        yield json_lines()
    elif console.is_terminal:
        from connector.cli.bars import bars

        with bars(console) as show:
            yield show
    else:
        yield plain_lines()


def json_lines() -> Show:
    """A JSON line for each change of a job. The last line is the job as it ended."""
    told: dict[str, api.Job] = {}

    def show(jobs: list[api.Job]) -> None:
        for job in jobs:
            if told.get(job["id"]) != job:
                told[job["id"]] = job
                front.emit(job)

    return show


def plain_lines() -> Show:
    """A line per job every ten seconds, and when its state or reason changes. How it ended is told by its results."""
    told: dict[str, tuple[tuple[str, str], float]] = {}

    def show(jobs: list[api.Job]) -> None:
        now = time.monotonic()
        for job in jobs:
            state, at = told.get(job["id"], (("", ""), 0.0))
            new = (job["state"], job["reason"])
            if not ended(job) and (new != state or now - at >= _LINE_EVERY_S):
                told[job["id"]] = new, now
                click.echo(front.printable(words.headline(job)))

    return show


@contextmanager
def interruptible(job_ids: Sequence[str]) -> Iterator[None]:
    """Ctrl-C ends the watch, not the job: say how to watch again."""
    try:
        yield
    except KeyboardInterrupt:
        which = " ".join(job_ids)
        click.echo(f"\nStopped watching; the job goes on. Watch it again: rapidstart job watch {which}", err=True)
        raise
