import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from connector import broker as embedded
from connector.dispatch.outbox import Outbox, Parcel
from connector.wire import codec, reports, routes
from connector.wire.jobs import Layout, LoadTables, SurveyConnection, Target

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("as_on_windows.py")


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory):
    started = embedded.start(tmp_path_factory.mktemp("home"))
    yield started.url
    started.stop()


class Bench:
    """Sends work to one endpoint's queue, and reads what its workers report."""

    def __init__(self, url, endpoint, loop, grace_s=60.0):
        self.endpoint = endpoint
        self.redis = redis.Redis.from_url(url, socket_timeout=60)
        self.outbox = Outbox(url)
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), url, endpoint, loop, str(grace_s)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.seen = "0"

    def send(self, *batches, address="http://127.0.0.1:1/p/xppservice.svc"):
        """Work that needs no AOS: nobody listens at its address, and the worker says so."""
        for batch in batches:
            ref = reports.BatchRef(job="JB-2222", step=1, batch=batch)
            work = SurveyConnection(endpoint=self.endpoint, ref=ref, addresses=(address,))
            self.outbox.send(Parcel(endpoint=self.endpoint, ref=ref, message=work, shown="a test"))

    def send_load(self, **more):
        """A batch of one row for an AOS that nobody reaches."""
        ref = reports.BatchRef(job="JB-2222", step=1, batch=1)
        target = Target(address="http://127.0.0.1:1/p/xppservice.svc", port="p", service="S", contract="c")
        layout = Layout(step=1, entity="E", file="f", table="E", columns=())
        rows = codec.to_text(codec.pack_rows([codec.Row(2, [])]))
        work = LoadTables(endpoint=self.endpoint, ref=ref, company="USMF", target=target, layout=layout, rows=rows, **more)
        self.outbox.send(Parcel(endpoint=self.endpoint, ref=ref, message=work, shown="a test"))

    def await_reports(self, kind, count, timeout=40):
        """The next reports of one kind."""
        found, deadline = [], time.monotonic() + timeout
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count}"
            for entry, fields in self._entries():
                self.seen = entry
                report = codec.decode(fields[b"m"], reports.REPORTS)
                found += [report] if isinstance(report, kind) else []
        return found

    def _entries(self):
        answer = self.redis.xread({routes.report_stream(self.endpoint): self.seen}, block=500)
        groups = answer.values() if isinstance(answer, dict) else [items for _, items in answer or []]
        return [entry for items in groups for entry in (items[0] if isinstance(items[0], list) else items)]

    def say(self, word):
        """Speak as a worker service does."""
        self.process.stdin.write(word)
        self.process.stdin.flush()

    def on_queue(self):
        """Messages on the queue, and those that a worker holds."""
        queue = routes.queue(self.endpoint)
        return self.redis.llen(queue), self.redis.hlen(f"{queue}:unacked")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdin.close()
        self.outbox.close()


@pytest.fixture
def bench(broker_url, request):
    started = []

    def start(endpoint, loop, *, url=broker_url, **more):
        started.append(Bench(url, endpoint, loop, **more))
        return started[-1]

    yield start
    for each in started:
        each.stop()
