"""Flower and its like hear of every task, though they are told a few times a second only."""

import base64
import json
import time

import pytest

from connector.wire.reports import SurveyDone, WorkerAlive

TASKS = 8
TOLD = {"task-received": TASKS, "task-started": TASKS, "task-succeeded": TASKS}


def events_of(message):
    """The events of tasks in a message of a monitor's channel, by type."""
    body = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
    every = body if isinstance(body, list) else [body]
    return [event["type"] for event in every if event["type"].startswith("task-")]


@pytest.mark.parametrize("loop", ["forced", "blocking"])
def test_every_event_arrives_the_last_ones_too(bench, loop):
    worker = bench(f"events-{loop}", loop)
    worker.await_reports(WorkerAlive, 1)
    with worker.redis.pubsub() as heard:
        heard.psubscribe("*celeryev/task*")
        heard.get_message(timeout=10)
        worker.send(*range(1, TASKS + 1))
        worker.await_reports(SurveyDone, TASKS)
        worker.stop()
        found, deadline = [], time.monotonic() + 20
        while {kind: found.count(kind) for kind in TOLD} != TOLD:
            assert time.monotonic() < deadline, found
            message = heard.get_message(ignore_subscribe_messages=True, timeout=1)
            found += events_of(message) if message else []
