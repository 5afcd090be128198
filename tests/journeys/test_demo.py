"""`rapidstart demo`: all of it from one command, and nothing left behind whatever ends it."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.journeys.driving import ROOT, eventually, living_with

COMMAND = [sys.executable, "-m", "connector", "demo"]

pytestmark = [
    pytest.mark.skipif(sys.platform not in {"linux", "darwin"}, reason="there is no embedded broker for this system"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are counted in /proc"),
]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The demo's processes are known by their temporary folder."""
    (tmp_path / "t").mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPIDSTART_")}
    return {**clean, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "t")}


@pytest.fixture
def demo(tmp_path: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A demo that is loading."""
    process = subprocess.Popen(
        [*COMMAND, "--once"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, env=env
    )
    assert process.stdout is not None
    told = ""
    while "running" not in told:
        line = process.stdout.readline()
        assert line, f"the demo ended early:\n{told}"
        told += line
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_it_shows_the_whole_ring_in_half_a_minute(tmp_path: Path, env: dict[str, str]) -> None:
    began = time.monotonic()
    done = subprocess.run([*COMMAND, "--once", "--json"], capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    spent = time.monotonic() - began
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    jobs = json.loads(done.stdout)["jobs"]
    assert {job["endpoint"] for job in jobs} == {"DEMO-01", "DEMO-02"}
    for job in jobs:
        rows = job["rows"]
        assert len(job["steps"]) >= 6
        assert rows["total"] == sum(count for word, count in rows.items() if word != "total") > 4500
        assert 0 < rows["failed"] < 20
        assert rows["unknown"] == 0
        assert job["state"] == "partly_succeeded"
        assert (tmp_path / "rapidstart-demo" / f"{job['id']}-summary.xlsx").exists()
    assert living_with(str(tmp_path)) == []
    assert list((tmp_path / "t").iterdir()) == []
    assert spent < 30


def test_it_explains_the_failed_rows_to_people(tmp_path: Path, env: dict[str, str]) -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for told in ("sheet Customers, row 911", "CustGroup", "'099'", "is not found in the related table", "What to do:"):
        assert told in done.stdout
    assert "Traceback" not in done.stderr


def test_in_a_terminal_it_stays_and_lets_people_see_it_in_a_browser(tmp_path: Path, env: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(COMMAND, stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT, cwd=tmp_path, env=env)
    os.close(theirs)
    told = ""
    while "Ctrl-C ends the demo" not in told:
        told += os.read(ours, 65536).decode(errors="replace")
    link = re.search(r"good once:\s+(http://\S+)", told)
    assert link is not None, told
    with requests.Session() as browser:
        at = link[1].partition("/signin")[0]
        browser.headers["Origin"] = at
        home = browser.post(link[1], timeout=30)
        assert home.status_code == 200, home.text
        assert "DEMO-01" in browser.get(f"{at}/jobs", timeout=30).text
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    os.close(ours)
    assert living_with(str(tmp_path)) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_interrupted(tmp_path: Path, demo: subprocess.Popen[str], end: signal.Signals) -> None:
    assert len(living_with(str(tmp_path))) > 5
    demo.send_signal(end)
    with contextlib.suppress(ValueError):
        demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert living_with(str(tmp_path)) == []
    assert list((tmp_path / "t").iterdir()) == []


def test_kill_9_leaves_no_process(tmp_path: Path, demo: subprocess.Popen[str]) -> None:
    demo.kill()
    demo.wait()
    eventually(lambda: not living_with(str(tmp_path)), within_s=20, what="an empty stage")
