import base64
import json
import time

import pytest
import redis

from connector import broker as embedded
from connector.dispatch import Dispatcher, Outbox, Reconciler
from connector.dispatch.planner import Planner
from connector.dispatch.policy import Policy
from connector.ledger import Ledger, endpoints, jobs
from connector.recorder import Recorder
from connector.wire import codec, reports, routes
from connector.wire.jobs import ANSWERS, WORK
from connector.wire.metadata import Document, Field, Metadata, Service, Table

ADDRESS = "http://aos/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
METADATA = Metadata(
    fingerprint="f",
    services=(
        Service(
            address=ADDRESS,
            port="RapidStart",
            name="CustGroupService",
            namespace="urn:s",
            operations=("create",),
            document=Document(
                name="CustGroupDoc",
                namespace="urn:d",
                tables=(Table(name="CustGroup", fields=(Field(name="CustGroup"), Field(name="Name", max_length=20))),),
            ),
        ),
    ),
)


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    started = embedded.start(tmp_path_factory.mktemp("home"))
    yield started
    started.stop()


class Ring:
    """A dispatcher with its threads, and a pretend worker that speaks the wire contract over Redis."""

    metadata = METADATA

    def __init__(self, url, home, ledger_url):
        self.url, self.home = url, home
        self.redis = redis.Redis.from_url(url, socket_timeout=60)
        self.ledger = Ledger(ledger_url)
        self.start()

    def start(self, *, lease_s=3, expires_in_s=None, **pauses):
        """Without jitter, so that a test knows its pauses."""
        policy = Policy(**({"retry_pause_s": 0.5, "draw": lambda _, longest: longest} | pauses))
        self.dispatcher = Dispatcher(
            ledger=self.ledger,
            outbox=Outbox(self.url),
            home=self.home,
            call_timeout_s=1,
            lease_s=lease_s,
            expires_in_s=expires_in_s,
            policy=policy,
        )
        self.recorder = Recorder(self.dispatcher)
        self.reconciler = Reconciler(self.dispatcher, Planner(ledger=self.ledger, batch_rows=2))
        self.recorder.start()
        self.reconciler.start()

    def stop(self):
        self.reconciler.stop()
        self.recorder.stop()
        self.dispatcher.outbox.close()

    def add_endpoint(self, name="A1", *, scope="company", **more):
        known = {"addresses": (ADDRESS,), "companies": ("USMF", "DEMF"), "partition": None, "contract": None}
        self.dispatcher.add_endpoint(name=name, scope=scope, **known, **more)

    def know_metadata(self, key="a1"):
        with self.ledger.write() as db:
            endpoints.surveyed(db, key, found=METADATA, checks=(), at=1.0)

    def load(self, rows=6, *, company="USMF", partition=None, **order):
        text = "CustGroup,Name\r\n" + "".join(f"{n:03d},Group {n}\r\n" for n in range(rows))
        package = self.dispatcher.receive("CustGroup.csv", [text.encode()], ceiling=10**6)
        job, _ = self.dispatcher.submit(
            endpoint="A1",
            company=company,
            partition=partition,
            package=package.sha256,
            order=jobs.Order(**order),
            idempotency_key=None,
        )
        return job.id

    def job(self, job_id):
        with self.ledger.read() as db:
            return jobs.get(db, job_id)

    def totals(self, job_id):
        with self.ledger.read() as db:
            return {word: n for word, n in jobs.totals(db, [job_id])[job_id].items() if n}

    def tell(self, kind, **fields):
        report = kind(endpoint="A1", worker="w1", **fields)
        self.redis.xadd(routes.report_stream("A1"), {"m": codec.encode(report)})
        return report

    def alive(self, *held):
        self.tell(reports.WorkerAlive, concurrency=2, held=tuple(held))

    def take(self, timeout=10):
        """The next message of the queue, taken as a worker takes it; told at once."""
        found = self.redis.brpop([routes.queue("A1")], timeout=timeout)
        assert found, "nothing was sent"
        text = json.loads(base64.b64decode(json.loads(found[1])["body"]))[0][0]
        message = codec.decode(text, WORK)
        self.tell(reports.BatchTaken, ref=message.ref)
        return message

    def done(self, message, letter="c", **fields):
        letters = letter * len(codec.unpack_rows(codec.from_text(message.rows)))
        return self.tell(reports.BatchDone, ref=message.ref, outcomes=reports.Outcomes(letters=letters), **fields)

    def ask(self, ref, message_id="m1", so_far="..", documents=(0,)):
        intent = reports.Intent(message_id=message_id, operation="create", documents=documents, digest="d", time_limit_s=1)
        question = self.tell(reports.IntentReported, ref=ref, intent=intent, so_far=reports.Outcomes(letters=so_far))
        answer = self.redis.blpop([routes.reply_key("A1", question.event_id)], timeout=10)
        assert answer, "no answer came"
        return codec.decode(answer[1], ANSWERS)


@pytest.fixture
def ring(broker, tmp_path, ledger_url):
    started = Ring(broker.url, tmp_path, ledger_url)
    started.redis.flushall()
    yield started
    started.stop()
    started.ledger.close()


@pytest.fixture
def until():
    def wait(condition, timeout=60):
        deadline = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def ready(ring, until):
    """A ring with one endpoint whose metadata are known, and a worker of two threads beside it."""
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    until(lambda: ring.dispatcher.leases.slots("a1") == 2)
    return ring
