"""`rapidstart job`: see, watch and steer jobs."""

from itertools import islice
from pathlib import Path
from typing import Final

import click

from connector import api
from connector.cli import exits, front, reloading
from connector.cli.exits import Exit

#: `ledger.jobs.JobState`, which would bring SQL into every command.
STATES: Final = ("queued", "waiting", "running", "paused", "succeeded", "partly_succeeded", "failed", "cancelled")
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.group()
def job() -> None:
    """See, watch and steer jobs. A job is named by its id, as JB-7Q2K."""


@job.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@click.option("--endpoint", help="Only jobs for this endpoint.")
@click.option("--company", help="Only jobs that write to this company.")
@front.since_option
@front.until_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first.")
@front.json_option
def list_(limit: int, as_json: bool, **wanted: str | None) -> None:
    """The newest jobs."""
    jobs = front.client().jobs(limit=limit, **wanted)
    if as_json:
        for each in jobs:
            front.emit(each)
        return
    from connector.cli.tables import jobs_table

    nothing = "No such jobs." if any(wanted.values()) else "No jobs yet. Load a package: rapidstart load FILE"
    front.console().print(jobs_table(jobs) if jobs else nothing)


@job.command()
@click.argument("job_id", metavar="JOB")
@front.json_option
def show(job_id: str, as_json: bool) -> None:
    """One job: what was asked, its steps and why they stand in this order."""
    found = front.client().job(job_id)
    if as_json:
        front.emit(found)
        return
    from connector.cli.tables import print_job

    print_job(front.console(), found)


@job.command()
@click.argument("job_id", metavar="JOB")
@front.json_option
def watch(job_id: str, as_json: bool) -> int:
    """Follow a job to its end. Ctrl-C stops watching, not the job."""
    return watch_to_end(job_id, as_json=as_json)


@job.command()
@click.argument("job_id", metavar="JOB")
@front.json_option
def cancel(job_id: str, as_json: bool) -> None:
    """End a job. A call that is in hand is finished, the rest is skipped."""
    _steer(job_id, "cancel", as_json=as_json)


@job.command()
@click.argument("job_id", metavar="JOB")
@front.json_option
def pause(job_id: str, as_json: bool) -> None:
    """Hold a job back until it is resumed."""
    _steer(job_id, "pause", as_json=as_json)


@job.command()
@click.argument("job_id", metavar="JOB")
@front.json_option
def resume(job_id: str, as_json: bool) -> None:
    """Let a paused job go on."""
    _steer(job_id, "resume", as_json=as_json)


@job.command()
@click.argument("job_id", metavar="JOB")
@click.argument("priority", type=click.Choice(["low", "normal", "high"]))
@front.json_option
def prioritise(job_id: str, priority: str, as_json: bool) -> None:
    """Let a job go before others of its endpoint, or behind them. A load that has begun is not held up."""
    found = front.client().prioritise(job_id, priority=priority)
    if as_json:
        front.emit(found)
    else:
        click.echo(f"{found['id']}: priority {found['priority']}")


@job.command()
@click.argument("job_id", metavar="JOB")
@click.option(
    "--rows",
    type=click.Choice(["failed", "skipped", "unknown", "all-not-in"]),
    help="Which rows; failed ones come with those that were skipped because of them or because the job ended. Default failed.",
)
@click.option(
    "--fixed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The results workbook with its rows corrected: these rows are taken up, as they stand there.",
)
@click.option("--watch", is_flag=True, help="Follow the new job to its end.")
@front.json_option
def retry(job_id: str, rows: str | None, fixed: Path | None, watch: bool, as_json: bool) -> int:
    """Load rows of an ended job that are not in once more, by a new job, whose outcomes become those of the first.

    Rows that are in are left alone.
    """
    if fixed and rows:
        raise click.UsageError("A workbook says itself which rows it corrects: leave out --rows.")
    client = front.client()
    made = reloading.hand_in(client, fixed, job_id) if fixed else client.retry(job_id, rows=rows or "failed")
    return follow_retry(made, watch=watch, as_json=as_json)


def follow_retry(made: api.Job, *, watch: bool, as_json: bool) -> int:
    """Say that a job takes up rows of another, or follow it to its end."""
    if watch:
        return watch_to_end(made["id"], as_json=as_json)
    if as_json:
        front.emit(made)
        return exits.of_job(made)
    click.echo(f"Job {made['id']} takes up rows of {made['retry_of']}. Watch it: rapidstart job watch {made['id']}")
    return exits.of_job(made)


def _places(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> list[dict[str, object]]:
    """FILE:ROW or FILE:SHEET:ROW, as the API takes places."""
    found: list[dict[str, object]] = []
    for text in given:
        *names, row = text.split(":")
        if not names or len(names) > 2 or not row.isdecimal():
            raise click.BadParameter(f"{text!r} names no row: write FILE:ROW, or FILE:SHEET:ROW.")
        found.append({"file": names[0], "sheet": (names[1] or None) if len(names) > 1 else None, "row": int(row)})
    return found


@job.command()
@click.argument("job_id", metavar="JOB")
@click.option("--row", "rows", multiple=True, callback=_places, metavar="FILE:SHEET:ROW", help="A row; repeatable.")
@click.option("--all", "every", is_flag=True, help="All rows that are unknown or handed over.")
@click.option(
    "--as",
    "way",
    type=click.Choice(["lookup", "retry", "done", "skip"]),
    required=True,
    help="Look them up in AX (nothing is written), load them again, or say what is so: they are in, or shall not be.",
)
@click.option("--watch", is_flag=True, help="Follow the job that looks them up or loads them.")
@front.json_option
def resolve(job_id: str, rows: list[dict[str, object]], every: bool, way: str, watch: bool, as_json: bool) -> int:
    """Settle rows of an ended job whose outcome nobody could prove: those that are unknown or handed over."""
    if every == bool(rows):
        raise click.UsageError("Name rows with --row FILE:SHEET:ROW, or all of them with --all.")
    done = front.client().resolve(job_id, way=way, rows=rows)
    if watch and done["made"]:
        return watch_to_end(done["made"]["id"], as_json=as_json)
    code = Exit.DONE if done["made"] else exits.of_job(done["job"])  # what was made goes on: nothing has failed yet
    if as_json:
        front.emit(done)
        return code
    from connector.cli import words

    told = f"{words.plural(done['rows'], 'row')} of {done['job']['id']}"
    if done["made"]:
        verb = "looks up" if way == "lookup" else "takes up"
        click.echo(f"Job {done['made']['id']} {verb} {told}. Watch it: rapidstart job watch {done['made']['id']}")
    else:
        click.echo(f"{told}: {'in' if way == 'done' else 'skipped'}. {front.printable(words.headline(done['job']))}")
    return code


@job.command()
@click.argument("job_id", metavar="JOB")
@click.option("--xlsx", type=_FILE, help="Write the process summary workbook to this file, with the rows that are not in.")
@click.option("--html", type=_FILE, help="Write the process summary to this file, as a page that can be passed on.")
@click.option("--csv", type=_FILE, help="Write the rows that are not in to this file.")
@click.option("--json-file", "json", type=_FILE, help="Write all of it to this file, as one JSON object.")
@front.json_option
def results(job_id: str, as_json: bool, **files: Path | None) -> int:
    """The outcome of a job: its steps, its failed rows explained, and what calls answered."""
    client = front.client()
    found = client.job(job_id)
    written = {form: path for form, path in files.items() if path is not None}
    for form, path in written.items():
        client.workbook(job_id, path, form=form)
    if as_json:
        from connector.cli import words

        for failure in client.failures(job_id):
            front.emit(failure)
        for answer in client.answers(job_id):
            front.emit(answer)
        if gone := words.removed(found):
            click.echo(gone, err=True)
        return exits.of_job(found)
    from connector.cli.results import show_results

    show_results(front.console(), client, found)
    for path in written.values():
        click.echo(f"Process summary: {path}")
    return exits.of_job(found)


@job.command()
@click.argument("job_id", metavar="JOB")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="The newest lines only.")
@front.json_option
def log(job_id: str, last: int | None, as_json: bool) -> None:
    """What happened to a job, line by line, in the order of time."""
    from connector.cli import words

    lines = list(islice(front.client().log(job_id, newest=True), last))[::-1]
    for line in sorted(lines, key=lambda line: line["at"]):
        if as_json:
            front.emit(line)
        else:
            click.echo(f"{words.local(line['at'])}  {front.printable(line['text'])}")


def watch_to_end(job_id: str, *, as_json: bool) -> Exit:
    """Follow a job to its end, show what became of it, and say with which exit code."""
    from connector.cli import watching

    client, console = front.client(), front.console()
    with watching.interruptible([job_id]), watching.display(console, as_json=as_json) as show:
        (ended,) = watching.follow(client, [job_id], show=show)
    code = exits.of_job(ended)
    refused = code in {Exit.REFUSED, Exit.NOT_REACHABLE}
    if refused:
        front.tell_error(ended)
    if not as_json and (not refused or ended["rows"]["failed"]):
        from connector.cli.results import show_results

        console.print()
        show_results(console, client, ended)
    return code


def _steer(job_id: str, verb: str, *, as_json: bool) -> None:
    from connector.cli import words

    client = front.client()
    found = {"cancel": client.cancel, "pause": client.pause, "resume": client.resume}[verb](job_id)
    if as_json:
        front.emit(found)
    else:
        click.echo(front.printable(words.headline(found)))
