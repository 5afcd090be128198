"""Corrected rows are handed in again: `rapidstart load` and `rapidstart job retry --fixed` do the same with such a workbook."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from connector import api

if TYPE_CHECKING:
    from connector.client import Client

#: What a load may be asked for beside its place; these rows are loaded as their job was.
_OF_THE_JOB: Final = {
    "mapping": "--mapping",
    "strict": "--strict",
    "only": "--only",
    "batch_rows": "--batch-rows",
    "stop_after": "--stop-after",
    "dry_run": "--dry-run",
    "partition": "--partition",
    "expires_in": "--expires-in",
    "priority": "--priority",
}


def corrected_job(file: Path) -> str | None:
    """The job whose rows a file corrects; None where it is a package. Raises PackageRefused."""
    if not file.is_file() or file.suffix.lower() != ".xlsx":
        return None
    from connector.intake import fixed
    from connector.intake.values import Limits

    told = fixed.head(file, name=file.name, limits=Limits())
    return told.job if told else None


def check(job: api.Job, *, endpoint: str | None, company: str | None, asked: dict[str, Any]) -> None:
    """Raise UsageError where the command line asks for something else than the job did."""
    named = [option for name, option in _OF_THE_JOB.items() if asked.get(name)]
    if named:
        raise click.UsageError(f"These rows are loaded as rows of {job['id']}: leave out {', '.join(named)}.")
    for said, own, option in ((endpoint, job["endpoint"], "--endpoint"), (company, job["company"] or "", "--company")):
        if said and said.lower() != own.lower():
            raise click.UsageError(f"{job['id']} loads into {own}: leave out {option}, or load a package.")


def hand_in(client: "Client", file: Path, job_id: str) -> api.Job:
    """Upload the workbook and have its rows taken up, as rows of this job. Raises RapidStartError."""
    package = client.upload(file, name=file.name)
    return client.reload(job_id, package=package["sha256"])
