"""A worker service keeps as many processes as is wished, whatever becomes of them."""

import os
import queue
import signal
import subprocess
import sys
import time

import pytest

from connector.wire.jobs import Wish
from workers import crew

#: A process that ends when it is told to, as a worker does: it takes its time where it was told to be slow.
_OBEDIENT = "import sys, time; word = sys.stdin.readline(); sys.exit(0)"
_SLOW = "import sys, time; sys.stdin.readline() == 'now\\n' or sys.stdin.readline(); sys.exit(0)"
_DEAF = "import time; time.sleep(60)"
_DYING = "raise SystemExit(3)"


def made_of(script, *, most=4, concurrency=2):
    return crew.Crew(lambda calls: [sys.executable, "-c", script, str(calls)], most=most, concurrency=concurrency)


def until(members, condition, *, within_s=15.0):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"{members.running} run"
        members.tick()
        time.sleep(0.02)


def pids(members):
    return [member.process.pid for member in members._members if not member.leaving]


@pytest.fixture
def gather():
    made = []

    def gather(*args, **more):
        made.append(made_of(*args, **more))
        return made[-1]

    yield gather
    for members in made:
        members.kill()
        members.leave()
        until(members, lambda members=members: members.is_gone)


def test_where_nothing_is_wished_one_runs(gather):
    members = gather(_OBEDIENT)
    members.tick()
    assert members.running == 1


@pytest.mark.parametrize(("wished", "most", "expected"), [(3, 4, 3), (9, 2, 2), (0, 4, 0)])
def test_as_many_run_as_are_wished_and_no_more_than_may(gather, wished, most, expected):
    members = gather(_OBEDIENT, most=most)
    members.follow(Wish(workers=wished))
    members.tick()
    assert members.running == expected


def test_those_that_are_too_many_leave_and_the_oldest_stay(gather):
    members = gather(_OBEDIENT)
    members.follow(Wish(workers=3))
    members.tick()
    oldest = pids(members)[0]
    members.follow(Wish(workers=1))
    until(members, lambda: len(members._members) == 1)
    assert pids(members) == [oldest]
    members.follow(Wish(workers=0))
    until(members, lambda: members.is_gone)
    members.follow(Wish(workers=2))
    members.tick()
    assert members.running == 2


def test_one_that_was_killed_is_started_again(gather):
    members = gather(_OBEDIENT)
    members.follow(Wish(workers=3))
    members.tick()
    before = pids(members)
    os.kill(before[1], signal.SIGKILL)
    until(members, lambda: members.running == 3 and pids(members) != before)
    assert len(set(before) & set(pids(members))) == 2, "the others were left alone"


def test_what_keeps_dying_is_started_ever_less_often(gather):
    members = gather(_DYING)
    started = []
    until(members, lambda: started.append(tuple(pids(members))) or len({p for p in started if p}) == 3)
    assert members._failures == 2
    assert members._not_before > 0


def test_another_concurrency_comes_one_worker_at_a_time(gather):
    members = gather(_SLOW)
    members.follow(Wish(workers=3, concurrency=2))
    members.tick()
    first, *others = members._members
    members.follow(Wish(workers=3, concurrency=8))
    members.tick()
    members.tick()
    assert [member.leaving for member in (first, *others)] == [True, False, False]
    assert members.running == 3, "the one that leaves is replaced at once: four may run"
    first.process.kill()
    until(members, lambda: others[0].leaving)  # the next one follows


def test_those_that_leave_count_against_the_most_that_may_run(gather):
    members = gather(_SLOW, most=2)
    members.follow(Wish(workers=2, concurrency=2))
    members.tick()
    members.follow(Wish(workers=2, concurrency=8))
    for _ in range(3):
        members.tick()
    assert (len(members._members), members.running) == (2, 1)


def test_workers_end_when_the_service_is_killed(tmp_path):
    script = f"""
import sys, time
from workers import crew
from connector.wire.jobs import Wish
members = crew.Crew(lambda _: [sys.executable, "-c", {_OBEDIENT!r}], most=2, concurrency=1)
members.follow(Wish(workers=2))
members.tick()
print(*[member.process.pid for member in members._members], flush=True)
time.sleep(60)
"""
    service = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    started = [int(pid) for pid in service.stdout.readline().split()]
    service.kill()
    service.wait()
    service.stdout.close()
    end = time.monotonic() + 10
    while any(map(_lives, started)):
        assert time.monotonic() < end
        time.sleep(0.05)


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Said:
    """Wishes that the test says."""

    def __init__(self):
        self.wishes = queue.SimpleQueue()
        self.ended = False

    def ask(self, running):
        try:
            return self.wishes.get(timeout=0.1)
        except queue.Empty:
            return None

    def end(self):
        self.ended = True


@pytest.mark.parametrize(("script", "signals"), [(_OBEDIENT, 1), (_SLOW, 2)])
def test_a_service_that_is_told_to_stop_ends_with_its_workers(gather, script, signals):
    members, said = gather(script), Said()
    service = crew.Service(members, said, grace_s=60)
    said.wishes.put(Wish(workers=2))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    for _ in range(signals):
        service._on_signal()
    try:
        service.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (members.is_gone, said.ended) == (True, True)


def test_workers_that_do_not_end_are_killed_after_their_grace(gather, monkeypatch):
    monkeypatch.setattr(crew, "_BEYOND_GRACE_S", 0.5)
    members = gather(_DEAF)
    members.tick()
    service = crew.Service(members, Said(), grace_s=0.5)
    service._end()
    assert members.is_gone
