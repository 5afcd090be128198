"""A webhook is told of ends and troubles: signed, at least once, with an id, whatever was down in between."""

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connector.errors import Refused
from connector.ledger import endpoints, jobs, limits, notices
from connector.webhook import Herald, Receiver, receiver
from connector.wire.reports import WorkerAlive

SECRET = b"0123456789abcdef0123456789abcdef"


class Heard:
    """A receiver that answers what the test says, and keeps what it was told."""

    def __init__(self):
        self.answers: list[int] = []
        self.told: list[dict] = []
        heard = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = heard.answers.pop(0) if heard.answers else 204
                heard.told.append({"headers": dict(self.headers), "body": body, "path": self.path, "status": status})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook/token-in-path"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def taken(self):
        return [json.loads(each["body"]) for each in self.told if each["status"] == 204]


@pytest.fixture
def hook():
    started = Heard()
    yield started
    started.close()


@pytest.fixture
def herald(desk, hook):
    made = Herald(desk.dispatcher, Receiver(url=hook.url, secret=SECRET), first_pause_s=0.01)
    with desk.ledger.write() as db:
        notices.start(db, at=time.time() - 1)
    yield made
    made.stop()


@pytest.fixture
def job(desk, tmp_path):
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,VALUE-OF-A-ROW\r\n")
    package = desk.client.upload(file, name=file.name)["sha256"]
    desk.client.add_endpoint("AOSTEST", addresses=["http://aos.test/p.svc"], companies=["USMF"])
    return desk.client.submit(idempotency_key="k", endpoint="AOSTEST", company="USMF", package=package)["id"]


def until(herald, condition, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it was not told in time"
        herald.turn()
        time.sleep(0.01)


def test_the_end_of_a_job_is_told_once_and_signed(desk, herald, hook, job):
    herald.turn()
    assert hook.told == []
    desk.fail(job, reason="AX said no to VALUE-OF-A-ROW")
    for _ in range(3):
        herald.turn()
    (told,) = hook.told
    event, at = told["headers"]["webhook-id"], told["headers"]["webhook-timestamp"]
    signed = hmac.new(SECRET, f"{event}.{at}.".encode() + told["body"], hashlib.sha256).digest()
    assert told["headers"]["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"
    assert abs(int(at) - time.time()) < 60
    body = json.loads(told["body"])
    assert body["type"] == "job.ended"
    assert (body["data"]["job"], body["data"]["state"], body["data"]["endpoint"]) == (job, "failed", "AOSTEST")
    assert body["data"]["rows"]["failed"] == 0
    assert b"VALUE-OF-A-ROW" not in told["body"]


def test_what_was_not_taken_is_told_again_under_the_same_id(desk, herald, hook, job):
    hook.answers = [500, 302, 429]
    desk.fail(job, reason="x")
    until(herald, hook.taken)
    assert [each["status"] for each in hook.told] == [500, 302, 429, 204]
    assert len({each["headers"]["webhook-id"] for each in hook.told}) == 1
    assert {each["path"] for each in hook.told} == {"/hook/token-in-path"}


def test_nothing_is_lost_while_nobody_tells(desk, hook, job):
    """The process ends between the job's end and the telling; the one after it finds the end by itself."""
    first = Herald(desk.dispatcher, Receiver(url=hook.url, secret=SECRET))
    first.start()
    first.stop()
    desk.fail(job, reason="x")
    second = Herald(desk.dispatcher, Receiver(url=hook.url, secret=SECRET))
    second.start()
    try:
        deadline = time.monotonic() + 20
        while not hook.taken():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        second.stop()
    assert [told["data"]["job"] for told in hook.taken()] == [job]


def test_a_receiver_that_is_away_costs_nothing(desk, herald, hook, job, caplog):
    hook.server.server_close()  # nobody listens there any more
    away = Herald(desk.dispatcher, Receiver(url="http://127.0.0.1:1/hook/token-in-path", secret=SECRET), first_pause_s=0.01)
    desk.fail(job, reason="x")
    with caplog.at_level(logging.WARNING):
        away.turn()
    away.stop()
    assert "the webhook did not take a notice" in caplog.text
    assert "token-in-path" not in caplog.text
    with desk.ledger.read() as db:
        assert notices.oldest(db) is not None
        assert jobs.get(db, job).state == "failed"


def test_jobs_that_ended_before_anybody_was_to_be_told_are_not_told(desk, hook, job):
    desk.fail(job, reason="x")
    with desk.ledger.write() as db:
        jobs.mark(db, job, finished_at=time.time() - 600)
    made = Herald(desk.dispatcher, Receiver(url=hook.url, secret=SECRET))
    made.start()
    made.turn()
    made.stop()
    assert hook.told == []


def test_trouble_is_told_when_it_begins_and_when_it_ends(desk, herald, hook, job):
    with desk.ledger.write() as db:
        limits.stop(db, "aostest", limits.Stopped(at=time.time(), reason="the account was refused.", advice="Unlock it."))
    herald.turn()
    herald.turn()
    again = Herald(desk.dispatcher, Receiver(url=hook.url, secret=SECRET))  # a restart tells nothing twice
    again.turn()
    with desk.ledger.write() as db:
        limits.go_on(db, "aostest")
    again.turn()
    again.stop()
    began, ended = hook.taken()
    assert (began["type"], ended["type"]) == ("trouble.began", "trouble.ended")
    assert began["data"] == {
        "trouble": "endpoint_stopped",
        "endpoint": "AOSTEST",
        "text": "the account was refused. Unlock it.",
    }


def test_a_lost_endpoint_is_trouble_and_a_stopped_worker_is_none(desk, herald, hook, job):
    silent = WorkerAlive(endpoint="AOSTEST", worker="AOSTEST.1@host", concurrency=4)
    with desk.ledger.write() as db:
        endpoints.worker_seen(db, silent, at=time.time() - 3600)
    herald.turn()
    assert hook.told == []  # while nobody listened nobody could be heard
    herald._began = time.time() - 120
    herald.turn()
    with desk.ledger.write() as db:
        endpoints.worker_stopped(db, "AOSTEST", "AOSTEST.1@host")
    herald.turn()
    assert [(told["type"], told["data"]["trouble"]) for told in hook.taken()] == [
        ("trouble.began", "endpoint_lost"),
        ("trouble.ended", "endpoint_lost"),
    ]


def test_without_a_receiver_nothing_is_kept(desk, herald, hook, job):
    hook.answers = [500]
    desk.fail(job, reason="x")
    herald.turn()
    Herald(desk.dispatcher, None).start()
    with desk.ledger.read() as db:
        assert notices.oldest(db) is None


def test_what_nobody_takes_is_given_up_after_two_weeks(desk, herald, job):
    with desk.ledger.write() as db:
        notices.add(db, subject="s", body={}, at=time.time() - 15 * 86400)
        assert notices.forget(db, now=time.time()) == 1


@pytest.mark.parametrize("url", ["http://hooks.example.com/x", "ftp://example.com", "https://", "not an address"])
def test_an_address_that_can_be_read_on_the_way_is_refused(url, tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(SECRET)
    with pytest.raises(Refused, match="not https"):
        receiver(url, file)


def test_a_secret_must_be_there_and_long_enough(tmp_path):
    file = tmp_path / "secret"
    file.write_text("short")
    for given in (None, file):
        with pytest.raises(Refused, match="missing, or shorter"):
            receiver("https://example.com/x", given)
    with pytest.raises(Refused, match="cannot be read"):
        receiver("https://example.com/x", tmp_path / "none")
    file.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    made = receiver("https://example.com/x", file)
    assert made.secret == SECRET
    assert "0123" not in repr(made)
    assert receiver("http://hooks.example.com/x", file, allow_plain_http=True).host == "hooks.example.com"
