"""Celery on Windows runs a loop that waits in the wrong place and puts nothing back; the worker must not depend on it."""

import json
import threading
import time
from types import SimpleNamespace

import celery
import kombu
import pytest

from connector.wire import routes
from connector.wire.reports import BatchTaken, SurveyDone, WorkerAlive, WorkerStopped
from workers import aos, app, deliveries
from workers.exchange import Exchange

LOOPS = ["forced", "blocking"]


def test_the_event_loop_is_used_where_celery_would_not(monkeypatch):
    monkeypatch.setattr(celery.Celery, "IS_WINDOWS", True)
    worker = app.create("redis://127.0.0.1:1/0", endpoint="E", concurrency=1, door=aos.Door(), exchange=Exchange())
    assert worker.app.Worker(pool="threads").should_use_eventloop()
    worker.app.IS_WINDOWS = True
    assert not worker.app.Worker(pool="threads").should_use_eventloop(), "else this test proves nothing"


@pytest.mark.parametrize("loop", LOOPS)
def test_work_is_taken_told_and_acknowledged(bench, loop):
    worker = bench(f"work-{loop}", loop)
    worker.send(*range(1, 9))
    done = worker.await_reports(SurveyDone, 8)
    assert {report.ref.batch for report in done} == set(range(1, 9))
    assert all("Port: " in report.reason for report in done)
    worker.stop()
    queue = routes.queue(worker.endpoint)
    assert worker.redis.llen(queue) == worker.redis.hlen(f"{queue}:unacked") == 0
    assert [report.returned for report in worker.await_reports(WorkerStopped, 1)] == [()]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_message_that_a_dead_worker_left_is_put_back(bench, loop):
    worker = bench(f"left-{loop}", loop)
    worker.await_reports(WorkerAlive, 1)
    queue = routes.queue(worker.endpoint)
    other = bench(f"source-{loop}", loop)
    other.stop()
    other.send(7)
    message = json.loads(worker.redis.lpop(routes.queue(other.endpoint)))
    message["properties"]["delivery_info"]["routing_key"] = queue
    tag = message["properties"]["delivery_tag"]
    worker.redis.hset(f"{queue}:unacked", tag, json.dumps([message, "", queue]))
    worker.redis.zadd(f"{queue}:unacked_index", {tag: 1.0})
    assert worker.await_reports(BatchTaken, 1)[0].ref.batch == 7


def test_a_message_that_was_stamped_by_a_clock_ahead_waits_no_longer_than_others(broker_url):
    settings = routes.celery_settings(broker_url, endpoint="ahead")
    with kombu.Connection(broker_url, transport_options=settings["broker_transport_options"]) as connection:
        channel = connection.channel()
        client, index = channel.client, "aos.ahead:unacked_index"
        before = time.time()
        client.zadd(index, {"ahead": before + 3600, "held": before - 1})
        deliveries.renew(channel)
        assert before <= client.zscore(index, "ahead") <= time.time()
        assert client.zscore(index, "held") == pytest.approx(before - 1)


@pytest.mark.parametrize("looks", [0, 1], ids=["before it is looked at", "while it is used"])
def test_an_ordinary_end_is_none_of_its_renewals_troubles(broker_url, monkeypatch, looks):
    """Else every stop could leave a traceback in the log: the channel closes while another thread renews by it."""
    with kombu.Connection(broker_url) as connection:
        channel = connection.channel()
        channel.close()

    class Closing:
        """A channel that is closed once it was looked at so often."""

        asked = 0

        @property
        def closed(self):
            self.asked += 1
            return self.asked > looks

        def __getattr__(self, name):
            return getattr(channel, name)

    raised = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    thread = deliveries.renew_while_ending(SimpleNamespace(channel=Closing()), every_s=0)
    thread.join(60)
    assert not thread.is_alive()
    assert raised == []


@pytest.mark.parametrize("loop", LOOPS)
def test_a_message_that_is_delivered_twice_is_carried_out_once(bench, loop):
    """When its connection breaks, kombu puts back what this process is still at work on."""
    worker = bench(f"twice-{loop}", loop)
    worker.send(7)
    worker.await_reports(SurveyDone, 1)
    worker.send(7, 8)
    assert [report.ref.batch for report in worker.await_reports(SurveyDone, 1)] == [8]
    assert [ref.batch for ref in worker.await_reports(WorkerAlive, 2)[-1].held] == []


@pytest.mark.parametrize("loop", LOOPS)
def test_a_broker_that_refuses_to_write_is_waited_for(bench, loop):
    """Its disk or its memory is full. Here it asks for a replica that it does not have: every write is refused."""
    worker = bench(f"refused-{loop}", loop)
    worker.await_reports(WorkerAlive, 1)
    refused_before = refusals(worker)
    worker.redis.config_set("min-replicas-to-write", 1)
    try:
        deadline = time.monotonic() + 20
        while refusals(worker) < refused_before + 5:
            assert time.monotonic() < deadline, "the worker has asked for nothing"
            time.sleep(0.05)
    finally:
        worker.redis.config_set("min-replicas-to-write", 0)
    worker.send(7)
    assert worker.await_reports(SurveyDone, 1)[0].ref.batch == 7
    assert worker.process.poll() is None


def refusals(worker):
    return worker.redis.info("errorstats").get("errorstat_NOREPLICAS", {}).get("count", 0)
