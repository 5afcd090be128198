"""Workers that speak the wire contract over Redis and load nothing: many of them fit into one process."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence

import redis

from connector.wire import codec, reports, routes
from connector.wire.jobs import ANSWERS, WORK, Grant, LoadTables
from connector.wire.metadata import Document, Field, Metadata, Service, Table

#: What a call to the pretended AOS takes, in seconds.
CALL_S = 0.02
_BEAT_S = 3.0
METADATA = Metadata(
    fingerprint="f",
    services=(
        Service(
            address="http://aos.test/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc",
            port="RapidStart",
            name="CustGroupService",
            namespace="urn:s",
            operations=("create",),
            document=Document(
                name="CustGroupDoc",
                namespace="urn:d",
                tables=(Table(name="CustGroup", fields=(Field(name="CustGroup"), Field(name="Name"))),),
            ),
        ),
    ),
)


class Crowd:
    """So many workers; each serves groups of endpoints, one group after the other, one batch at a time."""

    def __init__(self, url: str, shifts: Sequence[Sequence[Sequence[str]]], *, batches: int) -> None:
        """`shifts`: for each worker its groups. It leaves a group once each endpoint of it had `batches` batches."""
        self.written: Counter[tuple[str, int]] = Counter()
        """granted calls by endpoint and batch"""
        self.pauses: dict[str, float] = {}
        """the longest time between two batches of an endpoint, in seconds"""
        self.broken: list[str] = []
        self._url, self._batches = url, batches
        self._last: dict[str, float] = {}
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(f"w{n}", groups), daemon=True) for n, groups in enumerate(shifts)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _work(self, name: str, groups: Sequence[Sequence[str]]) -> None:
        with redis.Redis.from_url(self._url, socket_timeout=60) as client:
            for group in groups:
                try:
                    _Shift(self, client, name, group).serve()
                except AssertionError as error:
                    self.broken.append(f"{name}: {error}")

    def wrote(self, endpoint: str, batch: int) -> None:
        with self._lock:
            now = time.monotonic()
            pause = now - self._last.get(endpoint, now)
            self.pauses[endpoint] = max(pause, self.pauses.get(endpoint, 0.0))
            self.written[endpoint, batch] += 1
            self._last[endpoint] = now

    def goes_on(self, group: Sequence[str]) -> bool:
        """Whether an endpoint of this group has batches to come."""
        with self._lock:
            done = Counter(endpoint for endpoint, _ in self.written)
        return not self._stopping.is_set() and any(done[endpoint] < self._batches for endpoint in group)


class _Shift:
    """One worker while it serves one group of endpoints."""

    def __init__(self, crowd: Crowd, client: "redis.Redis", name: str, group: Sequence[str]) -> None:
        self._crowd, self._redis, self._name, self._group = crowd, client, name, group
        self._by_queue = {routes.queue(endpoint): endpoint for endpoint in group}
        self._queues = list(self._by_queue)
        self._beat_at = 0.0

    def serve(self) -> None:
        while self._crowd.goes_on(self._group):
            self._beat()
            found = self._redis.brpop(self._queues, timeout=1)
            if found:
                queue = found[0].decode()
                self._queues.append(self._queues.pop(self._queues.index(queue)))  # its turn comes after the others'
                text = json.loads(base64.b64decode(json.loads(found[1])["body"]))[0][0]
                self._carry_out(self._by_queue[queue], codec.decode(text, WORK))
        for endpoint in self._group:
            self._tell(reports.WorkerStopped, endpoint)

    def _beat(self) -> None:
        if time.monotonic() > self._beat_at:
            self._beat_at = time.monotonic() + _BEAT_S
            for endpoint in self._group:
                self._tell(reports.WorkerAlive, endpoint, concurrency=1)

    def _carry_out(self, endpoint: str, message: codec.Message) -> None:
        if not isinstance(message, LoadTables):
            self._tell(reports.SurveyDone, endpoint, ref=message.ref, metadata=METADATA)  # type: ignore[attr-defined]
            return
        rows = len(codec.unpack_rows(codec.from_text(message.rows)))
        self._tell(reports.BatchTaken, endpoint, ref=message.ref)
        if self._may_write(endpoint, message.ref, rows):
            self._crowd.wrote(endpoint, message.ref.batch)
            time.sleep(CALL_S)  # the AOS is at work
            outcomes = reports.Outcomes(letters="c" * rows)
            self._tell(reports.BatchDone, endpoint, ref=message.ref, outcomes=outcomes, calls=1, seconds=CALL_S)

    def _may_write(self, endpoint: str, ref: reports.BatchRef, rows: int) -> bool:
        intent = reports.Intent(message_id=f"{ref}", operation="create", documents=tuple(range(rows)), digest="d", time_limit_s=1)
        so_far = reports.Outcomes(letters="." * rows)
        asked = self._tell(reports.IntentReported, endpoint, ref=ref, intent=intent, so_far=so_far)
        answer = self._redis.blpop([routes.reply_key(endpoint, asked.event_id)], timeout=30)
        assert answer, f"{ref} got no answer for 30 s"
        grant = codec.decode(answer[1], ANSWERS)
        return isinstance(grant, Grant) and grant.granted

    def _tell(self, kind: type[reports.Report], endpoint: str, **fields: object) -> reports.Report:
        report = kind(endpoint=endpoint, worker=f"{endpoint}.{self._name}", **fields)
        self._redis.xadd(routes.report_stream(endpoint), {"m": codec.encode(report)})
        return report
