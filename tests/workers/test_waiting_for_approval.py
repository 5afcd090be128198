"""A machine waits for an administrator: it asks less often where it is told to, and gives up only at a definite word."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workers.enrol.device import Begun, Dispatcher
from workers.errors import GiveUp, Retry

GIVEN = {"endpoint": "A1", "service_instance": "Contoso", "letter": "x", "dispatcher_key": "k", "trouble": ""}
BEGUN = Begun(
    device_code="d",
    user_code="BKTR-WDZM",
    url="http://x/activate",
    url_complete="http://x/activate/BKTR-WDZM",
    expires_in_s=900,
    interval_s=5,
    endpoint="A1",
    means="a new endpoint",
)


@pytest.fixture
def waited():
    """What became of a wait where the dispatcher answers so, one after the other, and how long was paused between."""
    answers, servers = [], []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, said = answers.pop(0)
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Nothing is logged."""

    def run(*said):
        answers.extend(said)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pauses = []
        url = f"http://127.0.0.1:{server.server_address[1]}"
        return Dispatcher(url).wait(BEGUN, pause=pauses.append), pauses

    yield run
    for server in servers:
        server.shutdown()
        server.server_close()
    assert answers == []


def test_it_slows_down_each_time_that_it_is_told_to(waited):
    given, pauses = waited(
        (400, {"error": "authorization_pending"}),
        (400, {"error": "slow_down"}),
        (429, {"detail": "too many tries."}),  # perhaps of somebody else on this network
        (400, {"error": "authorization_pending"}),
        (200, GIVEN),
    )
    assert given.endpoint == "A1"
    assert pauses == [5, 10, 15, 15]


@pytest.mark.parametrize("word", ["access_denied", "expired_token", "invalid_grant"])
def test_a_definite_word_ends_it(waited, word):
    with pytest.raises(GiveUp, match="that is so") as ended:
        waited((400, {"error": word, "error_description": "that is so."}))
    assert "Register again" in ended.value.advice


def test_a_dispatcher_that_is_away_for_long_ends_it():
    with pytest.raises(Retry, match="does not answer"):
        Dispatcher("http://127.0.0.1:1").wait(BEGUN, pause=lambda _: None)
