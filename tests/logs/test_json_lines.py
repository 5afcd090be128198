"""Logs in JSON: an object per line, with fixed fields, and nothing that a library attaches."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAYS = """
import logging
from {house} import logs
logs.to_stderr(as_json={as_json}{more})
log = logging.getLogger("some.room")
log.warning("%s is gone", "AOSTEST", extra={{"action": "worker_gone", "job": "JB-1", "data": {{"args": "SECRET-ROW"}}}})
try:
    raise ValueError("it broke")
except ValueError:
    log.exception("a turn failed", extra={{"action": "turn_failed"}})
"""


def lines(house, *, as_json=True, more=""):
    code = SAYS.format(house=house, as_json=as_json, more=more)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("house", ["connector", "workers"])
def test_a_line_is_an_object_with_the_fields_of_the_place_that_logs(house):
    said, broke = map(json.loads, lines(house).splitlines())
    assert said | {"timestamp": ""} == {
        "event": "AOSTEST is gone",
        "action": "worker_gone",
        "job": "JB-1",
        "level": "warning",
        "logger": "some.room",
        "timestamp": "",
    } | ({"endpoint": ""} if house == "workers" else {})
    assert said["timestamp"].endswith("Z")
    assert "ValueError: it broke" in broke["exception"]


@pytest.mark.parametrize("house", ["connector", "workers"])
def test_what_a_library_attaches_stays_out(house):
    assert "SECRET-ROW" not in lines(house)
    assert "SECRET-ROW" not in lines(house, as_json=False)


def test_text_is_as_it_was():
    first = lines("connector", as_json=False).splitlines()[0]
    assert first.endswith("WARNING some.room: AOSTEST is gone")


def test_lines_of_a_worker_name_its_endpoint_and_the_batch_in_hand():
    more = """, endpoint="AOSTEST")
with logs.about(job="JB-7", batch="JB-7 1/2 #1"):
    logging.info("it was called"
"""
    said = json.loads(lines("workers", more=more).splitlines()[0])
    assert (said["endpoint"], said["job"], said["batch"]) == ("AOSTEST", "JB-7", "JB-7 1/2 #1")


@pytest.mark.parametrize("house", ["connector", "workers"])
def test_what_places_say_beside_the_sentence_comes_through(house):
    """A field that is missing from the list of its house would be lost in silence."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / house).rglob("*.py"))
    said = {key for extra in re.findall(r"(?<!_)extra=\{([^}]*)\}", sources) for key in re.findall(r'"([a-z_]+)":', extra)}
    (listed,) = re.findall(r"frozenset\(\s*\{([^}]*)\}", (ROOT / house / "logs.py").read_text(encoding="utf-8"))
    assert said - set(re.findall(r"[a-z_]+", listed)) == set()
