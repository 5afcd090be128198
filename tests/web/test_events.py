"""Live events: nothing is missed, nothing is told twice that a reader knows, and nobody is told of what they do not see."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.access import local
from connector.cli import watching
from connector.errors import NotFound
from connector.ledger import changes, jobs
from connector.wire.reports import Problem
from tests.web.sse import Reader

GROUPS = b"CustGroup,Name\r\n10,Wholesale\r\n20,Retail\r\n30,Export\r\n"


@pytest.fixture
def submit(desk, tmp_path):
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(GROUPS)
    package = desk.client.upload(file, name=file.name)["sha256"]
    made = []

    def submit():
        order = {"endpoint": "AOS-Test", "company": "USMF", "package": package, "batch_rows": 1}
        made.append(desk.client.submit(idempotency_key=f"k{len(made)}", **order)["id"])
        return made[-1]

    return submit


@pytest.fixture
def read(desk):
    def read(path, **more):
        return Reader(f"{desk.url}/api/v1/{path}", local.read(desk.home), **more)

    return read


def ended(event):
    return event["finished_at"] is not None


def test_a_job_is_told_as_it_is_and_then_as_it_changes_until_it_ends(desk, submit, read):
    job = submit()
    with read(f"jobs/{job}/events") as reader:
        first = reader.next()
        assert (first.data["id"], first.data["state"], first.data["planned"]) == (job, "queued", False)
        desk.plan(job)
        planned = reader.until(lambda event: event["planned"])[-1]
        assert (planned.data["rows"]["total"], [step["no"] for step in planned.data["steps"]]) == (3, [1])
        desk.settle(job, "c", "c", "u")
        last = reader.until(ended)[-1]
        assert (last.data["state"], last.data["rows"]["created"], last.data["rows"]["updated"]) == ("succeeded", 2, 1)
        assert last.id > planned.id > first.id
        assert reader.next("end").data == {"id": job}
        assert reader.next() is None


def test_who_has_read_the_end_is_told_to_come_no_more(desk, submit, read):
    job = submit()
    desk.fail(job, reason="no")
    with read(f"jobs/{job}/events") as reader:
        assert reader.next().data["reason"] == "no"
        assert reader.next("end") is not None
    with read(f"jobs/{job}/events", after=reader.last_id) as again:
        assert again.status == 204
    with read(f"jobs/{job}/events", after=reader.last_id + 99) as of_another_time:  # a ledger that was restored since
        assert of_another_time.next().data["state"] == "failed"


def test_who_comes_again_is_told_what_it_missed_and_only_that(desk, submit, read):
    one, other = submit(), submit()
    with read("events") as reader:
        assert {reader.next().data["id"], reader.next().data["id"]} == {one, other}
        seen = reader.last_id
    desk.fail(other, reason="meanwhile")
    with read("events", after=seen) as again:
        event = again.next()
        assert (event.data["id"], event.data["reason"]) == (other, "meanwhile")
        desk.fail(one, reason="later")
        assert again.next().data["reason"] == "later"


def test_who_comes_for_the_first_time_is_told_of_no_job_that_has_ended(desk, submit, read):
    desk.fail(submit(), reason="long ago")
    live = submit()
    with read("events") as reader:
        assert reader.next().data["id"] == live


def test_endpoints_are_told_with_what_they_have_to_do(desk, submit, read):
    submit()
    with read("events") as reader:
        first = reader.next("endpoint").data
        assert (first["name"], first["state"], first["work"]["queued"]) == ("AOS-Test", "new", 1)
        desk.worker("AOS-Test")
        assert reader.until(lambda event: event["state"] == "online", name="endpoint")[-1].data["workers"] == 1


def test_the_failures_and_the_rate_are_in_the_event(desk, submit, read):
    job = submit()
    desk.plan(job)
    with desk.ledger.write() as db:
        jobs.mark(db, job, started_at=time.time())
        jobs.set_state(db, job, jobs.JobState.RUNNING)
    desk.settle(
        job, "f", problems=(Problem(row=0, message="The value is wrong.", advice="Correct it.", field="Name", value="x"),)
    )
    with read(f"jobs/{job}/events") as reader:
        event = reader.next().data
    assert [(each["row"], each["message"]) for each in event["failures"]] == [(2, "The value is wrong.")]
    assert 0 < event["rate"] <= 0.2  # one row within what counts as five seconds at least
    assert event["seconds_left"] == pytest.approx(2 / event["rate"], abs=0.1)


def test_events_need_a_token_and_a_job_that_is_there(desk, submit):
    job = submit()
    for path in ("events", f"jobs/{job}/events"):
        with Reader(f"{desk.url}/api/v1/{path}", "wrong") as reader:
            assert reader.status == 401
    assert desk.http.get(f"{desk.url}/api/v1/jobs/JB-NONE/events", timeout=10).status_code == 404


def test_nobody_is_told_of_what_they_do_not_see(desk, submit):
    hidden = submit()
    desk.client.add_endpoint("Theirs", addresses=["http://aos.test/port.svc"], service_instance="Other")
    token = desk.accounts.create_token("reader", role="viewer", service_instances=["Other"])["secret"]
    with Reader(f"{desk.url}/api/v1/events", token) as reader:
        assert reader.next("endpoint").data["name"] == "Theirs"
        desk.fail(hidden, reason="secret")
        seen = desk.client.test_endpoint("Theirs")["id"]
        assert reader.next().data["id"] == seen
    with Reader(f"{desk.url}/api/v1/jobs/{hidden}/events", token) as reader:
        assert reader.status == 404


def test_fifty_readers_are_told_the_same(desk, submit, read):
    job = submit()
    desk.plan(job)

    def follow(_):
        with read(f"jobs/{job}/events", after=0) as reader:
            return reader.until(ended)[-1]

    with ThreadPoolExecutor(50) as pool:
        found = [pool.submit(follow, number) for number in range(50)]
        while desk.following() < 50:
            time.sleep(0.01)
        desk.settle(job, "c", "c", "c")
        events = [each.result(60) for each in found]
    assert {event.id for event in events} == {events[0].id}
    assert all(event.data == events[0].data for event in events)


def test_every_change_of_a_job_or_a_step_has_a_number_of_its_own(desk, submit):
    """Whoever writes: the numbers are given by the database itself."""
    job = submit()
    seen = []

    def note():
        with desk.ledger.read() as db:
            seen.append(changes.latest(db))
            assert changes.of_jobs(db, [job])[0][0] == seen[-1]

    note()
    desk.plan(job)
    note()
    desk.settle(job, "c")
    note()
    with desk.ledger.write() as db:
        jobs.set_state(db, job, jobs.JobState.WAITING, reason="for something")
    note()
    assert seen == sorted(set(seen))
    with desk.ledger.write() as db:
        jobs.set_state(db, job, jobs.JobState.WAITING, reason="for something")
    with desk.ledger.read() as db:
        assert changes.latest(db) == seen[-1]  # nothing was another than before


def test_a_client_follows_a_job_over_connections_that_end(desk, submit):
    job = submit()
    seen = []
    for event in desk.client.follow(job):
        seen.append((event["state"], event["rows"]["created"]))
        if len(seen) == 1:
            desk.end_streams()
            desk.plan(job)
        elif event["planned"] and event["finished_at"] is None:
            desk.settle(job, "c", "c", "c")
    assert seen[0] == ("queued", 0)
    assert seen[-1] == ("succeeded", 3)


def test_a_client_says_so_where_there_is_no_such_job(desk):
    with pytest.raises(NotFound):
        next(desk.client.follow("JB-NONE"))


def test_a_watch_shows_a_job_as_the_api_does(desk, submit):
    job, shown = submit(), []

    def show(found):
        shown.extend(found)
        assert found[0].keys() == desk.client.job(job).keys()
        if len(shown) == 1:
            desk.plan(job)
        elif found[0]["planned"] and not watching.ended(found[0]):
            desk.settle(job, "c", "c", "c")

    (last,) = watching.follow(desk.client, [job], show=show)
    assert last == desk.client.job(job) == shown[-1]
