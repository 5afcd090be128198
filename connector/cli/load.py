"""`rapidstart load`: hand in a package, have it loaded, and say what came of it."""

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from connector import api
from connector.cli import exits, folders, front, inspection, reloading
from connector.cli.exits import Exit

if TYPE_CHECKING:
    from connector.client import Client

#: How long a load without --watch stays with a job that waits. One whose endpoint has no worker may wait for its plan for days.
_PLAN_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for, beside the file."""

    endpoint: str
    company: str | None
    partition: str | None
    mapping: Path | None
    mode: str
    blank: str
    strict: bool
    only: str | None
    batch_rows: int | None
    stop_after: str | None = None
    priority: str | None = None
    expires_in: float | None = None
    """seconds"""

    def options(self) -> dict[str, Any]:
        """How the rows are to be loaded, as the API takes it."""
        return {
            "mode": self.mode,
            "blank": self.blank,
            "strict": self.strict,
            "only": self.only,
            "batch_rows": self.batch_rows,
            "stop_after": self.stop_after,
            "priority": self.priority,
            "expires_in_s": self.expires_in,
            "mapping": inspection.mapping_text(self.mapping) if self.mapping else None,
            "mapping_name": self.mapping.name if self.mapping else None,
        }


_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _span(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """A time span, as 90s, 30m, 2h or 1d, in seconds."""
    if text is None:
        return None
    if not text[:-1].isdecimal() or text[-1] not in _UNITS or not int(text[:-1]):
        raise click.BadParameter(f"{text!r} is no time span: write it as 90s, 30m, 2h or 1d.")
    return int(text[:-1]) * _UNITS[text[-1]]


def _errors(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """A number of errors, or a share of all rows."""
    if text is None:
        return None
    share = text.endswith("%")
    number = text.removesuffix("%")
    if not number.isdecimal() or not 1 <= int(number) <= (100 if share else 10**9 - 1):
        raise click.BadParameter(f"{text!r} is no number of errors: write it as 10, or as 5%.")
    return f"{int(number)}%" if share else str(int(number))


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--endpoint", help="The AOS instance to load into; else RAPIDSTART_ENDPOINT.")
@click.option("--company", help="The company (DataAreaId) that the rows belong to. Never guessed.")
@click.option("--partition", help="The data partition; else the endpoint's own.")
@click.option("--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A mapping (TOML).")
@click.option("--mode", type=click.Choice(["upsert", "create", "update", "delete"]), default="upsert", show_default=True)
@click.option("--blank", type=click.Choice(["keep", "clear"]), default="keep", show_default=True, help="Empty cells on update.")
@click.option("--strict", is_flag=True, help="Write nothing when a row does not fit its fields.")
@click.option("--only", metavar="STEP", help="Load one step only: its number, entity or table.")
@click.option("--batch-rows", type=click.IntRange(1, 5000), help="Rows that travel in one message.")
@click.option(
    "--stop-after", metavar="N|P%", callback=_errors, help="Send no more once so many rows, or this share, have failed."
)
@click.option("--priority", type=click.Choice(["low", "normal", "high"]), help="Among the jobs of the endpoint. Default normal.")
@click.option("--expires-in", metavar="TIME", callback=_span, help="End it where no worker takes it in this time, as 30m or 2h.")
@click.option("--dry-run", is_flag=True, help="Show how it would be loaded; submit nothing.")
@click.option("--watch", is_flag=True, help="Follow the job to its end.")
@click.option("--idempotency-key", metavar="KEY", help="The same key again gives the same job.")
@front.json_option
def load(
    file: Path, endpoint: str | None, dry_run: bool, watch: bool, idempotency_key: str | None, as_json: bool, **more: Any
) -> int:
    """Load a package: CSV, XLSX, a folder or zip of these, or a data package (zip).

    A results workbook whose rows were corrected is loaded for the job that it is of.
    """
    if job_id := reloading.corrected_job(file):
        return _reload(file, job_id, endpoint, watch=watch, as_json=as_json, **more, dry_run=dry_run)
    wish = Wish(endpoint=front.endpoint_name(endpoint), **more)
    if dry_run:
        return _describe(file, wish, as_json=as_json)
    if not wish.company:
        raise click.UsageError("Name the company that the rows belong to, as --company USMF.")
    client = front.client()
    job = submit(client, file, wish, key=idempotency_key or str(uuid.uuid4()), quiet=as_json)
    if watch:
        from connector.cli.job import watch_to_end

        return watch_to_end(job["id"], as_json=as_json)
    return _await_plan(client, job, as_json=as_json)


def _reload(
    file: Path, job_id: str, endpoint: str | None, *, watch: bool, as_json: bool, company: str | None, **asked: Any
) -> int:  # fmt: skip
    """Load the rows that a person corrected, as their job was."""
    from connector.cli.job import follow_retry

    client = front.client()
    reloading.check(client.job(job_id), endpoint=endpoint, company=company, asked=asked)
    return follow_retry(reloading.hand_in(client, file, job_id), watch=watch, as_json=as_json)


def _describe(file: Path, wish: Wish, *, as_json: bool) -> Exit:
    if wish.only:
        raise click.UsageError("--dry-run describes the whole package: leave out --only.")
    found = inspection.local(file, endpoint=wish.endpoint, mapping=wish.mapping, mode=wish.mode, blank=wish.blank)
    return inspection.show(found, as_json=as_json)


def submit(client: "Client", file: Path, wish: Wish, *, key: str, quiet: bool, **more: Any) -> api.Job:
    """Hand the package in and have it loaded, or what `more` says of the job: `kind`, `offline`."""
    options = wish.options() | more
    with folders.as_file(file) as (path, name):
        package = hand_in(client, path, name=name)
    job = client.submit(
        idempotency_key=key,
        endpoint=wish.endpoint,
        company=wish.company,
        partition=wish.partition,
        package=package["sha256"],
        **options,
    )
    if not quiet:
        _tell_accepted(job, package)
    return job


def hand_in(client: "Client", path: Path, *, name: str) -> api.Package:
    """Upload a package, unless the dispatcher has received it before, under this name: an entity may be named by its file."""
    known = client.package(folders.digest(path))
    return known if known and known["name"] == name else client.upload(path, name=name)


def _await_plan(client: "Client", job: api.Job, *, as_json: bool) -> Exit:
    """Stay until the job is planned, so that a refused plan is told here and now; one that waits for something is left."""
    from connector.cli import watching, words

    end = time.monotonic() + _PLAN_WAIT_S
    with watching.interruptible([job["id"]]):
        (job,) = watching.follow(
            client,
            [job["id"]],
            show=lambda _: None,
            until=lambda seen: seen["planned"] or watching.ended(seen) or (seen["state"] != "queued" and time.monotonic() > end),
        )
    code = exits.of_job(job)
    if as_json:
        front.emit(job)
    elif code is Exit.DONE:
        click.echo(front.printable(words.headline(job)))
        click.echo(f"Watch it: rapidstart job watch {job['id']}")
    elif code is Exit.ROWS:  # it has ended already: no row, or not every one, could go in
        click.echo(front.printable(words.headline(job)))
        click.echo(f"See why: rapidstart job results {job['id']}")
    if code in {Exit.REFUSED, Exit.NOT_REACHABLE}:
        front.tell_error(job)
    return code


def _tell_accepted(job: api.Job, package: api.Package) -> None:
    from connector.cli import words

    entities = words.plural(len(package["actions"]), "entity")
    noun = "Preview" if job["kind"] == "preview" else "Job"
    click.echo(f"{noun} {job['id']} accepted ({entities} → {front.printable(job['endpoint'])}, company {job['company']}).")
    for notice in package["notices"]:
        click.echo(f"Note: {front.printable(notice)}")
