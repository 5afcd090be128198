"""A worker for an endpoint that nobody has registered says so, once, and goes on waiting."""

import logging
import time

import pytest
import redis

from connector.wire import routes
from workers.heard import Heard
from workers.reporter import Reporter

NAME = "nobody-knows-me"


@pytest.fixture
def server(broker_url):
    found = redis.Redis.from_url(broker_url, socket_timeout=60)
    yield found
    found.delete(routes.report_stream(NAME))
    found.close()


def told(caplog):
    return [record.message for record in caplog.records if record.name == "workers.heard"]


def test_an_endpoint_that_is_not_registered_is_told_once(server, caplog):
    caplog.set_level(logging.INFO)
    server.xadd(routes.report_stream(NAME), {"m": "alive"})
    heard = Heard(server, endpoint=NAME)
    for _ in range(9):
        heard.look()
    (warning,) = told(caplog)
    assert f"no dispatcher on this broker has an endpoint named {NAME}" in warning
    assert f"rapidstart endpoint add {NAME} --url URL" in warning
    server.xgroup_create(routes.report_stream(NAME), routes.REPORT_GROUP, id="0")
    for _ in range(9):
        heard.look()
    assert told(caplog)[1:] == [f"a dispatcher hears of endpoint {NAME} now"]


def test_one_that_is_registered_is_not_worth_a_word(server, caplog):
    caplog.set_level(logging.INFO)
    server.xgroup_create(routes.report_stream(NAME), routes.REPORT_GROUP, id="0", mkstream=True)
    heard = Heard(server, endpoint=NAME)
    for _ in range(9):
        heard.look()
    assert told(caplog) == []


def test_a_broker_that_is_away_says_nothing_about_it(caplog):
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    heard = Heard(away, endpoint=NAME)
    for _ in range(9):
        heard.look()
    assert told(caplog) == []


def test_a_worker_that_has_started_looks_by_itself(server, broker_url, caplog):
    reporter = Reporter(broker_url, endpoint=NAME, worker="w", concurrency=1, version="0")
    reporter.start()
    try:
        deadline = time.monotonic() + 30
        while not told(caplog):
            assert time.monotonic() < deadline, "it was never told"
            time.sleep(0.05)
    finally:
        reporter.stop()
    assert "no dispatcher on this broker" in told(caplog)[0]
