import contextlib
import logging
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from connector import broker as embedded
from connector.wire import codec, reports, routes
from workers import spool
from workers.reporter import Reporter
from workers.spool import Legacy, Spool

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("reporting.py")


def until(condition, timeout=20):
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def left_by_another(folder, *texts, endpoint="A1"):
    """What a process that was killed leaves behind."""
    code = (
        "import os, sys; from pathlib import Path; from workers.spool import Spool\n"
        "Spool(Path(sys.argv[1]), endpoint=sys.argv[2]).keep(sys.argv[3:]); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder), endpoint, *texts], cwd=ROOT, check=False)


def test_nothing_is_written_before_something_is_kept(tmp_path):
    Spool(tmp_path / "spool", endpoint="A1").clear()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_kept_is_found_in_its_order_and_removed_when_it_was_sent(tmp_path):
    left_by_another(tmp_path, "one", "two")
    left_by_another(tmp_path, "three")
    left = Legacy(tmp_path, endpoint="a1")
    assert sorted(left.texts) == ["one", "three", "two"]
    assert left.texts.index("one") + 1 == left.texts.index("two")
    left.remove()
    assert not list(tmp_path.iterdir())


def test_what_a_living_process_keeps_is_left_alone(tmp_path):
    living = Spool(tmp_path, endpoint="A1")
    living.keep(["one"])
    left = Legacy(tmp_path, endpoint="A1")
    left.remove()
    assert left.texts == []
    living.keep(["two"])
    (file,) = tmp_path.glob("*.spool")
    assert file.stat().st_mode & 0o777 == 0o600
    living.clear()
    assert not list(tmp_path.iterdir())


def test_what_another_endpoint_left_is_not_touched(tmp_path):
    left_by_another(tmp_path, "one", endpoint="A1-test")
    assert Legacy(tmp_path, endpoint="A1").texts == []
    assert Legacy(tmp_path, endpoint="a1-TEST").texts == ["one"]


def test_a_spool_that_is_full_says_so_once_and_keeps_what_it_has(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(spool, "_PAGES", 8)
    full = Spool(tmp_path, endpoint="A1")
    full.keep(["first"])
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            full.keep(["x" * 40_000])
    assert [record.action for record in caplog.records] == ["spool_failed"]
    full.keep(["last"])
    (file,) = tmp_path.glob("*.spool")
    full._file.close()
    assert sqlite3.connect(file).execute("SELECT text FROM reports ORDER BY id").fetchall() == [("first",), ("last",)]


def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path, caplog):
    (tmp_path / "spool").write_text("a file stands in the way")
    Spool(tmp_path / "spool", endpoint="A1").keep(["one"])
    assert "reports wait in memory only" in caplog.text


def test_a_spool_that_is_damaged_does_not_keep_the_others_from_being_sent(tmp_path, caplog):
    (tmp_path / "a1-1-0a.spool").write_bytes(b"no database at all" * 1000)
    left_by_another(tmp_path, "one")
    assert Legacy(tmp_path, endpoint="A1").texts == ["one"]
    assert "a1-1-0a.spool" in caplog.text


@pytest.fixture
def home(tmp_path):
    """The home of a broker that is away."""
    embedded.start(tmp_path).stop()
    return tmp_path


def told(url):
    """The batches whose end stands on the stream, in order."""
    entries = redis.Redis.from_url(url).xrange(routes.report_stream("A1"))
    found = [codec.decode(fields[b"m"], reports.REPORTS) for _, fields in entries]
    return [report.ref.batch for report in found if isinstance(report, reports.BatchDone)]


def test_kill_9_while_the_broker_is_away_loses_no_outcome(home):
    url, folder = embedded.address(home), home / "spool"
    command = [sys.executable, str(SCRIPT), url, str(folder), "1", "2", "3"]
    with subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as old:
        old.stdout.readline()
        try:
            until(lambda: len(kept(folder)) == 3)
        finally:
            old.kill()
    new = Reporter(url, endpoint="A1", worker="A1.new", concurrency=1, version="0", folder=folder)
    new.start()
    server = embedded.start(home)
    until(lambda: told(url) == [1, 2, 3])
    until(lambda: not list(folder.iterdir()))
    new.stop()
    server.stop()


def kept(folder):
    """The texts in the files, read from copies: their owner holds the lock."""
    copy, found = folder.parent / "copy", []
    for file in folder.glob("*.spool"):
        copy.write_bytes(file.read_bytes())
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(copy)) as opened:
            found += opened.execute("SELECT text FROM reports").fetchall()
    return found


def test_a_worker_that_lives_sends_everything_itself_when_the_broker_is_back(home):
    url, folder = embedded.address(home), home / "spool"
    reporter = Reporter(url, endpoint="A1", worker="A1.x", concurrency=1, version="0", folder=folder)
    reporter.start()
    for batch in range(1, 4):
        ref = reports.BatchRef(job="JB-2222", step=1, batch=batch)
        reporter.tell(reports.BatchDone(**reporter.sender(), ref=ref, outcomes=reports.Outcomes(letters="c")))
        reporter.tell(reports.BatchTaken(**reporter.sender(), ref=ref))
    until(lambda: len(kept(folder)) == 3)
    server = embedded.start(home)
    until(lambda: told(url) == [1, 2, 3])
    until(lambda: not list(folder.iterdir()))
    reporter.stop()
    server.stop()


def test_a_worker_that_is_stopped_while_the_broker_is_away_leaves_its_reports_to_the_next(home):
    url, folder = embedded.address(home), home / "spool"
    reporter = Reporter(url, endpoint="A1", worker="A1.x", concurrency=1, version="0", folder=folder)
    reporter.start()
    ref = reports.BatchRef(job="JB-2222", step=1, batch=7)
    reporter.tell(reports.BatchDone(**reporter.sender(), ref=ref, outcomes=reports.Outcomes(letters="c")))
    reporter.stop(timeout_s=20)
    assert len(kept(folder)) == 1


def test_the_size_on_disk_is_of_one_endpoint_and_of_all_its_processes(tmp_path):
    assert spool.size(tmp_path / "none", endpoint="A1") == 0
    left_by_another(tmp_path, "one")
    left_by_another(tmp_path, "x", endpoint="A2")
    alone = spool.size(tmp_path, endpoint="A1")
    living = Spool(tmp_path, endpoint="A1")
    living.keep(["y" * 100_000])
    assert 0 < alone < 100_000 < spool.size(tmp_path, endpoint="a1")
    living.clear()
    assert spool.size(tmp_path, endpoint="A1") == alone
