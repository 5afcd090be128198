"""What a service without a terminal leaves behind: its log file, and events for an operator."""

import io
import logging
import sys
import time

import pytest

from connector.wire.jobs import Wish
from workers import crew
from workers.service.events import number_of
from workers.service.logfile import LogFile


def test_lines_in_pieces_are_put_together(tmp_path):
    file = LogFile(tmp_path / "logs" / "service.log")
    for piece in ("one", " line\ntw", "o\n", "thr"):
        file.write(piece)
    file.take(io.BytesIO("of a w\xf6rker\r\n".encode()))
    file.close()
    assert (tmp_path / "logs" / "service.log").read_text(encoding="utf-8").splitlines() == ["one line", "two", "of a wörker"]


def test_a_log_grows_no_further_than_it_may(tmp_path):
    file = LogFile(tmp_path / "service.log", size=200, kept=2)
    for number in range(100):
        file.write(f"line {number:03d} of the log\n")
    file.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["service.log", "service.log.1", "service.log.2"]
    assert "line 099" in (tmp_path / "service.log").read_text()


def test_what_workers_say_is_in_the_log_of_their_service(tmp_path):
    file = LogFile(tmp_path / "service.log")
    script = "import sys; print('a word', file=sys.stderr, flush=True); sys.stdin.readline()"
    members = crew.Crew(lambda _: [sys.executable, "-c", script], most=1, concurrency=1, listen=file.take)
    members.follow(Wish(workers=1))
    members.tick()
    until = time.monotonic() + 30
    while "a word" not in (tmp_path / "service.log").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    members.leave()
    while not members.is_gone:
        assert time.monotonic() < until
        members.tick()
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ({"action": "service_started"}, 1000),
        ({"action": "service_ended"}, 1001),
        ({"action": "batch_returned", "code": "RSC-5400"}, 4000),
        ({"action": "batch_returned", "code": "RSC-5910"}, 4100),
        ({"action": "wishes_unheard"}, 4001),
        ({"action": "worker_started"}, None),
        ({}, None),
    ],
)
def test_lines_that_are_events_have_their_number(said, number):
    record = logging.makeLogRecord(said)
    assert number_of(record) == number
