"""Who follows a load sees its true numbers, each once, though the dispatcher is killed in the middle and started again."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.driving import Site, eventually, write_csv

pytestmark = pytest.mark.slow

COLUMNS = ["CustGroup", "Name"]
ROWS = [[f"{number:05}", f"Group {number}"] for number in range(400)]


def followed(site: Site, job: str, after: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(number, event) of the job until the connection ends, as it may at any time."""
    headers = {"Authorization": f"Bearer {site.token}"} | ({"Last-Event-ID": after} if after else {})
    request = urllib.request.Request(f"{site.api_url}/api/v1/jobs/{job}/events", headers=headers)
    number, name = after or "", ""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            for line in answer:
                word, _, value = line.decode().rstrip("\n").partition(": ")
                if word == "id":
                    number = value
                elif word == "event":
                    name = value
                elif word == "data" and name == "job":
                    yield number, json.loads(value)
    except OSError:  # it was killed
        return


def test_no_number_is_wrong_though_the_dispatcher_is_killed(site: Site, tmp_path: Path) -> None:
    site.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_LEASE_S": "4", "RAPIDSTART_CALL_TIMEOUT_S": "5"}
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "100")
    site.start_worker("A1")
    job = site.json("load", file, "--endpoint", "A1", "--company", "USMF")["id"]

    seen: list[tuple[str, dict[str, Any]]] = []
    for number, event in followed(site, job, None):
        seen.append((number, event))
        if event["rows"]["created"] >= 50 and len(seen) > 1:
            break
    site.kill("dispatcher")
    assert seen[-1][1]["state"] == "running"
    before = len(seen)
    site.start_dispatcher()
    while seen[-1][1]["finished_at"] is None:
        seen += followed(site, job, seen[-1][0])

    assert len(seen) > before
    created = [event["rows"]["created"] for _, event in seen]
    assert created == sorted(created)  # never back, so nothing was told that was not so
    assert created[-1] == 400
    assert [int(number) for number, _ in seen] == sorted(int(number) for number, _ in seen)
    last, job_now = seen[-1][1], eventually(lambda: site.job(job))
    assert (last["state"], last["rows"]) == (job_now["state"], job_now["rows"])
    assert list(followed(site, job, seen[-1][0])) == []  # it has ended, and its reader knows
