"""A command that is newer than its dispatcher says so, whatever the answer lacks."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connector import __version__
from connector.client import Client
from connector.errors import NotFound, NotReachable


@pytest.fixture
def whole(desk):
    """An endpoint as today's dispatcher tells it."""
    return dict(desk.client.add_endpoint("A1", addresses=["http://aos.test/port.svc"]))


@pytest.fixture
def older():
    """A dispatcher of version 0.0.9: what it answers by path; all else it does not know."""
    answers = {"/api/v1/openapi.json": {"info": {"version": "0.0.9"}}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = answers.get(self.path.partition("?")[0])
            body = json.dumps({"detail": "Not Found", "code": "RSC-2000"} if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/problem+json" if found is None else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = Client(f"http://127.0.0.1:{server.server_port}")
    yield client, answers
    client.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_field_that_an_older_dispatcher_does_not_tell_is_a_sentence(older, whole):
    client, answers = older
    del whole["limits"]["hours"]
    answers["/api/v1/endpoints/A1"] = whole
    with pytest.raises(NotReachable) as told:
        client.endpoint("A1")
    assert told.value.message == (
        f"the dispatcher is older (0.0.9) than this command ({__version__}): its answer has no limits.hours."
    )
    assert told.value.advice == "Upgrade the dispatcher."


def test_so_it_is_in_lists_and_pages(older, whole):
    client, answers = older
    del whole["outage"]
    answers["/api/v1/endpoints"] = {"items": [whole]}
    answers["/api/v1/jobs/JB-1/log"] = {"items": [{"at": "2026-01-01T00:00:00Z"}], "next": None}
    with pytest.raises(NotReachable, match=r"has no items\.outage"):
        client.endpoints()
    with pytest.raises(NotReachable, match=r"has no items\.text"):
        list(client.log("JB-1"))


def test_a_value_that_cannot_be_what_it_is_said_to_be_is_a_sentence(older, whole):
    client, answers = older
    answers["/api/v1/endpoints/A1"] = whole | {"unfinished_jobs": ["JB-1"]}
    with pytest.raises(NotReachable, match=r"of another version \(0\.0\.9\) .*its unfinished_jobs cannot be read"):
        client.endpoint("A1")


def test_a_question_that_an_older_dispatcher_does_not_know_is_a_sentence(older):
    client, _ = older
    with pytest.raises(NotReachable, match=r"older \(0\.0\.9\) than this command .* it does not know GET /ledger"):
        client.ledger()


def test_a_dispatcher_that_does_not_say_its_version_is_older_all_the_same(older):
    client, answers = older
    answers["/api/v1/jobs/JB-1"] = {}
    del answers["/api/v1/openapi.json"]
    with pytest.raises(NotReachable, match=r"^the dispatcher is older than this command"):
        client.job("JB-1")


def test_what_a_newer_dispatcher_tells_besides_is_passed_on(older, whole):
    client, answers = older
    answers["/api/v1/endpoints/A1"] = whole | {"mood": "good"}
    assert client.endpoint("A1") == whole | {"mood": "good"}


def test_what_is_not_there_is_not_taken_for_another_version(desk):
    with pytest.raises(NotFound, match="there is no job JB-0"):
        desk.client.job("JB-0")
