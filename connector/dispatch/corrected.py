"""The package of a job with what was corrected of it. It stays as it was received: what was corrected lies over it."""

from dataclasses import replace
from pathlib import Path

from connector.dispatch.dispatcher import Dispatcher
from connector.errors import NotFound, NotReachable, PackageRefused, Place
from connector.intake import fixed
from connector.intake.fixed import Corrections
from connector.intake.package import open_package
from connector.intake.values import Limits, Package
from connector.ledger import following, jobs


def fetched(dispatcher: Dispatcher, job: jobs.Job) -> Path:
    """Where the package of a job lies; the workbooks that correct it lie beside it. Raises NotFound, NotReachable."""
    for each in job.corrections:
        dispatcher.package_path(each)
    return dispatcher.package_path(job.package or "")


def opened(job: jobs.Job, path: Path, *, limits: Limits) -> tuple[Package, Corrections | None]:
    """The package as it was corrected, and the rows to which the job keeps, where it takes up corrected rows only.

    Raises PackageRefused.
    """
    package = open_package(path, name=job.package_name, limits=limits)
    if package.corrects:
        raise PackageRefused(
            f"this workbook corrects rows of {package.corrects}: it is no package.",
            advice=f"Hand it in for that job: rapidstart job retry {package.corrects} --fixed FILE",
            place=Place(file=job.package_name),
        )
    last = None
    for each in job.corrections:
        last = fixed.corrections(path.with_name(each), name="corrections", package=package, limits=limits)
        package = last.over(package)
    return package, last if job.only_corrected else None


def latest(dispatcher: Dispatcher, job: jobs.Job) -> Package | None:
    """The package of a load as it was corrected last, for this job or another of the same rows; None where it is gone."""
    with dispatcher.ledger.read() as db:
        known = following.corrections(db, job)
    job = replace(job, corrections=known)
    try:
        package, _ = opened(job, fetched(dispatcher, job), limits=dispatcher.package_limits)
    except (NotFound, NotReachable, PackageRefused):
        return None
    return package
