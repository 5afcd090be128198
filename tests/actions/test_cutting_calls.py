"""Calls travel in small batches, one after the other: what the earlier ones answered travels along, before each of them."""

from connector.dispatch.planner import Planner
from connector.ledger import batches, courses, jobs
from connector.wire.metadata import Metadata
from connector.wire.reports import Outcome, Outcomes


def test_calls_travel_in_batches_of_fifty_one_by_one(desk, metadata: Metadata, tmp_path) -> None:
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    file = tmp_path / "Limits.csv"
    file.write_text("Cust account,Limit\r\n" + "".join(f"C{number},1\r\n" for number in range(120)))
    package = desk.client.upload(file, name=file.name)
    mapping = '[table.Limits]\ntarget = "JournalService.setLimit"\noutcome = "created"'
    order = {"endpoint": "AOS-Test", "company": "USMF", "package": package["sha256"], "mapping": mapping}
    job_id = desk.client.submit(idempotency_key="k", **order)["id"]
    with desk.ledger.read() as db:
        job = jobs.get(db, job_id)
    path = desk.dispatcher.package_path(job.package or "")
    Planner(ledger=desk.ledger, batch_rows=1000).plan(job, path, metadata, then=lambda db: None)
    with desk.ledger.write() as db:
        for size in (50, 50, 20):  # each leaves when the one before it has ended: calls are made in the order of their rows
            (sending,) = batches.claim(db, job=job_id, limit=9, now=1.0)
            assert sending.size == size
            batches.done(db, sending.ref, outcomes=Outcomes(letters="u" * size), calls=size, seconds=1.0, at=2.0)
        course = courses.course(db, job_id, 1)
    assert (course.kind, course.options) == ("load.services", {"outcome": Outcome.CREATED.value, "idempotent": False})
