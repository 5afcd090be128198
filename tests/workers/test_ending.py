"""A worker that is told to stop loses nothing, leaves nothing half taken, and never hangs."""

import signal
import socket
import time

import pytest

from connector.wire.reports import BatchReturned, BatchTaken, SurveyDone, WorkerStopped
from tests.workers.holding import holding
from workers.ending import AT_ONCE, DRAIN, GAVE_UP

LOOPS = ["forced", "blocking"]
#: How a worker is told; None: the process that holds the other end of its input ends.
_WAYS = [signal.SIGTERM, signal.SIGINT, DRAIN, None]


@pytest.fixture
def aos():
    with holding() as server:
        yield server


def busy(worker, aos):
    """Two calls at work, a full queue behind them."""
    worker.send(*range(1, 9), address=aos.url)
    for _ in range(2):
        assert aos.calls.acquire(timeout=30)
    worker.await_reports(BatchTaken, 2)


def given_up(worker):
    """Both calls were told as unsettled, before the worker's end, and their messages are gone; the rest waits."""
    assert worker.process.wait(20) == GAVE_UP
    *returned, stopped = worker.await_reports((BatchReturned, WorkerStopped), 3)
    assert {(report.retry, report.settled, report.code) for report in returned} == {("soon", False, "RSC-5491")}
    assert stopped.returned == ()
    assert worker.on_queue() == (6, 0)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("way", _WAYS)
def test_calls_in_hand_are_finished_and_the_rest_stays_on_the_queue(bench, aos, loop, way):
    worker = bench(f"drain-{loop}-{_WAYS.index(way)}", loop)
    busy(worker, aos)
    if isinstance(way, signal.Signals):
        worker.process.send_signal(way)
    elif way:
        worker.say(way)
    else:
        worker.process.stdin.close()  # whoever held its other end is gone
    time.sleep(1.5)  # what would be wrong now is only seen by waiting: an end before the calls' end
    assert worker.process.poll() is None
    aos.let_go()
    assert worker.process.wait(20) == 0
    waiting, held = worker.on_queue()
    assert held == 0
    assert waiting == 6 or loop == "blocking", "that loop may take one more before it looks whether it shall stop"
    assert len(worker.await_reports(SurveyDone, 8 - waiting)) == 8 - waiting


@pytest.mark.slow
def test_a_message_of_a_call_in_hand_is_nobody_elses_however_long_it_takes(bench, aos):
    leaving = bench("long", "forced")
    busy(leaving, aos)
    leaving.process.send_signal(signal.SIGTERM)
    staying = bench("long", "forced")
    for _ in range(2):
        assert aos.calls.acquire(timeout=30)  # it is busy, too
    time.sleep(9)  # one and a half times the time after which an abandoned message is put back
    assert leaving.on_queue() == (4, 4)
    aos.let_go()
    assert leaving.process.wait(20) == 0
    done = staying.await_reports(SurveyDone, 8)
    assert sorted(report.ref.batch for report in done) == list(range(1, 9))


@pytest.mark.parametrize("loop", LOOPS)
def test_calls_that_outlast_the_grace_are_left_to_the_ledger(bench, aos, loop):
    worker = bench(f"grace-{loop}", loop, grace_s=1.0)
    busy(worker, aos)
    worker.process.send_signal(signal.SIGTERM)
    given_up(worker)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_second_ctrl_c_ends_at_once(bench, aos, loop):
    worker = bench(f"asked-twice-{loop}", loop)
    busy(worker, aos)
    worker.process.send_signal(signal.SIGINT)
    time.sleep(0.5)  # what would be wrong now is only seen by waiting: an end at the first one
    assert worker.process.poll() is None
    worker.process.send_signal(signal.SIGINT)
    given_up(worker)


def test_a_worker_service_may_ask_to_end_at_once(bench, aos):
    worker = bench("now", "forced")
    busy(worker, aos)
    worker.say(AT_ONCE)
    given_up(worker)


def test_without_a_broker_a_worker_ends_all_the_same(bench, aos):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        nobody.settimeout(30)
        worker = bench("nobroker", "forced", grace_s=1.0, url=f"redis://127.0.0.1:{nobody.getsockname()[1]}/0")
        for _ in range(3):  # it tries to connect, again and again
            nobody.accept()[0].close()
    assert worker.process.poll() is None
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(25) in {0, GAVE_UP}
