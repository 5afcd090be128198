"""What waits for one reader, however slow: of each job its newest state, in the order of the changes."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from connector.web.following import First, Follower
from connector.web.snapshots import JobSnapshot


def snapshot(seq, job="JB-1", *, key="a1", state="running", rate=None):
    return JobSnapshot(seq=seq, key=key, event={"id": job, "state": state, "rate": rate, "seq": seq})


def told(follower):
    """(number, job) of the events that are taken."""
    found = []
    for block in follower.take().decode().split("\n\n")[:-1]:
        name, *rest = block.split("\n")
        if name == "event: job":
            found.append((int(rest[0].removeprefix("id: ")), rest[1]))
    return found


def test_a_reader_that_is_slow_finds_one_event_for_each_job():
    follower = Follower(job=None, sees=None)
    for seq in range(1, 1001):
        follower.offer(snapshot(seq, f"JB-{seq % 2}"))
    assert [number for number, _ in told(follower)] == [999, 1000]
    assert told(follower) == []
    assert not follower.news.is_set()


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["JB-1", "JB-2", "JB-3"]), st.booleans(), st.booleans())))
def test_no_job_ever_goes_back_and_its_last_change_is_told(offered):
    """Whatever comes late, from a look that began before another: no older state follows a newer one."""
    follower, newest, seen = Follower(job=None, sees=None), {}, {}
    for seq, job, again, takes in offered:
        follower.offer(snapshot(seq, job, rate=1.0), again=again)
        newest[job] = max(seq, newest.get(job, 0))
        if takes:
            seen = read(follower, seen)
    assert read(follower, seen) == newest


def read(follower, seen):

    seen = dict(seen)
    for _, line in told(follower):
        event = json.loads(line.removeprefix("data: "))
        assert event["seq"] >= seen.get(event["id"], 0)
        seen[event["id"]] = event["seq"]
    return seen


def test_a_state_that_was_told_is_told_again_only_where_its_rate_may_be_another():
    follower = Follower(job="JB-1", sees=None)
    follower.begin(First(jobs=[snapshot(5)], reached=9))
    assert told(follower) == [(5, 'data: {"id": "JB-1", "state": "running", "rate": null, "seq": 5}')]
    assert follower.sent == 9
    follower.offer(snapshot(5), again=True)
    assert told(follower) == []
    follower.offer(snapshot(5, rate=2.0), again=True)
    assert [number for number, _ in told(follower)] == [9]  # no reader comes again for what it knows


def test_what_is_not_asked_for_or_not_seen_does_not_wait():
    one = Follower(job="JB-1", sees=frozenset({"a1"}))
    one.offer(snapshot(1, "JB-2"))
    one.offer(snapshot(2, "JB-1", key="b2"))
    one.offer_endpoint("a1", {})
    assert one.take() == b""


def test_the_last_event_of_a_job_ends_its_stream():
    follower = Follower(job="JB-1", sees=None)
    follower.offer(snapshot(1, state="failed"))
    assert asyncio.run(asyncio.wait_for(follower.news.wait(), 1))
    assert not follower.has_ended
    follower.take()
    assert follower.has_ended
    assert follower.job_has_ended
