"""The login of a machine changes while its workers load: they go over to it by themselves, and nothing else changes."""

import json

import pytest
import redis

from tests.enrolment.fence import fenced, worker
from tests.journeys.driving import eventually, living_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ROWS = 2000


@pytest.fixture
def fence(tmp_path):
    with fenced(tmp_path, "A") as found:
        yield found


def workers_of(fence):
    """The processes that take work: that of a terminal, and those of the worker service, by their number."""
    return set(living_with(str(fence.machines["A"].folder / "home"), "--endpoint\0A\0"))


def login_of(fence):
    return fence.login("A").connection_pool.connection_kwargs["username"]


def rotated(fence):
    """The login that was changed: it counts beside the new one."""
    before = login_of(fence)
    done = worker(fence, "A", "rotate", "--json")
    assert done.returncode == 0, done.stderr
    assert login_of(fence) != before
    return before


def by(fence, login):
    """How many connections somebody has at the broker by a login."""
    return sum(each["user"] == login for each in fence.master.client_list())


def test_workers_go_over_to_a_new_login_while_they_load(fence):
    fence.start("A")
    fence.machines["A"].start("crew", "workers", "service", "run", "--endpoint", "A", "--max-workers", "1")
    eventually(lambda: len(fence.site.api("/endpoints/A")["workers"]) == 2, what="both workers")
    fence.site.json("endpoint", "limit", "A", "--rows-per-second", "10")  # the load lasts as long as it takes here
    job = fence.load("A", ROWS)
    eventually(lambda: fence.machines["A"].stats("A")["rows_created"] > 0, what="rows in the AOS")
    running = workers_of(fence)
    before = rotated(fence)
    eventually(lambda: before not in fence.master.acl_users(), what="the end of the login that nobody uses any more")
    thief = fence.login("A")
    assert thief.ping()
    before = rotated(fence)
    eventually(lambda: by(fence, before) == 1, what="workers that have all gone over")
    assert worker(fence, "A", "rotate", "--finish").returncode == 0
    assert before not in fence.master.acl_users()
    assert fence.site.job(job)["finished_at"] is None, "all that happened while it was loaded"
    fence.site.json("endpoint", "limit", "A", "--rows-per-second", "none")
    assert fence.denials() == [], "nobody was refused, and nobody came by a login that was over"
    assert fence.site.ended(job, within_s=300)["state"] == "succeeded"
    created = fence.machines["A"].records("A", "CustGroup")
    assert [each["CustGroup"] for each in created] == [f"G{number:04d}" for number in range(ROWS)]
    assert fence.machines["A"].stats("A")["rows_created"] == ROWS
    assert workers_of(fence) == running, "no process was started anew"
    assert not fence.master.exists("aos.a", "aos.a:unacked", "aos.a:unacked_index")
    assert fence.denials() == []
    with pytest.raises((redis.AuthenticationError, redis.ConnectionError)):
        thief.ping()
    told = [json.loads(line)["what"] for line in fence.site.rapidstart("audit", "--json").stdout.splitlines()]
    assert told.count("credentials rotate") == 2
    assert told.count("credentials end") == 2, "when all had left it, and when it was told to"
