"""Why rows are not in is asked of the ledger once for all who watch, and never shown of an older state once a job has ended."""

from connector.web.reasons import Reasons
from connector.wire.reports import Problem


def test_who_watches_a_job_that_runs_is_told_what_was_found_lately(desk, tmp_path):
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    desk.know("AOS-Test")
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,Wholesale\r\n20,Retail\r\n")
    package = desk.client.upload(file, name=file.name)["sha256"]
    order = {"endpoint": "AOS-Test", "company": "USMF", "package": package}
    job = desk.client.submit(idempotency_key="one", **order)["id"]
    desk.plan(job)
    now = [100.0]
    reasons = Reasons(clock=lambda: now[0])

    def told(*, runs):
        with desk.ledger.read() as db:
            return [each.message for each in reasons.of(db, job, runs=runs)]

    assert told(runs=True) == []
    desk.settle(job, "cf", problems=(Problem(row=1, message="Too long.", advice="", code="", column="", field="", value=""),))
    now[0] += 1.9
    assert told(runs=True) == []
    assert told(runs=False) == ["Too long."]
    assert told(runs=True) == ["Too long."]
    now[0] += 2.1
    assert told(runs=True) == ["Too long."]
