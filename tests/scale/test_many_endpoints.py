"""2,000 batches over 200 endpoints with 20 workers: fair, a bounded queue, and every job explained while it waits."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from tests.journeys.driving import Site, eventually, free_port
from tests.scale.crowd import Crowd
from tests.scale.watching import Seen, Watcher

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ENDPOINTS = [f"AOS{n:03d}" for n in range(200)]
WORKERS = 20
BATCHES = 10
ROWS_PER_BATCH = 5
#: Batches on the way to an endpoint: two without a known worker, and two for its one worker's one thread.
WINDOW = 2
#: How long a job may be neither running nor say what it waits for: the time between two looks of the dispatcher, and ours.
LONGEST_SILENCE_S = 6.0
#: Between two batches of one endpoint, while others of its worker are served.
LONGEST_PAUSE_S = 12.0
#: What 200 endpoints and 2,000 batches may add to the dispatcher's memory.
MEMORY_MB = 60

#: Each worker stands beside one AOS and goes to the next one when the work is done.
ONE_BY_ONE = [[[endpoint] for endpoint in ENDPOINTS[n::WORKERS]] for n in range(WORKERS)]
#: All endpoints are online all the time; each worker attends to ten of them by turns.
SIDE_BY_SIDE = [[ENDPOINTS[n::WORKERS]] for n in range(WORKERS)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, f"http://127.0.0.1:{free_port()}")
    made.start_dispatcher()
    yield made
    made.close()


def _submit_all(site: Site) -> None:
    """One package, loaded at every endpoint: ten batches each."""
    api = f"{site.api_url}/api/v1"
    rows = "".join(f"{n:03d},Group {n}\r\n" for n in range(BATCHES * ROWS_PER_BATCH))
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {site.token}"
        stored = session.post(f"{api}/packages", params={"name": "CustGroup.csv"}, data=f"CustGroup,Name\r\n{rows}", timeout=30)
        for name in ENDPOINTS:
            address = f"http://aos.test/{name}.svc"
            added = session.post(
                f"{api}/endpoints", json={"name": name, "addresses": [address], "companies": ["USMF"]}, timeout=30
            )
            assert added.status_code == 201, added.text
            order = {"endpoint": name, "company": "USMF", "package": stored.json()["sha256"], "batch_rows": ROWS_PER_BATCH}
            accepted = session.post(f"{api}/jobs", json=order, headers={"Idempotency-Key": name}, timeout=30)
            assert accepted.status_code == 202, accepted.text


@pytest.mark.parametrize("shifts", [ONE_BY_ONE, SIDE_BY_SIDE], ids=["one by one", "side by side"])
def test_many_endpoints_share_few_workers(site: Site, shifts: Sequence[Sequence[Sequence[str]]]) -> None:
    broker = json.loads((site.folder / "home" / "broker.json").read_text(encoding="utf-8"))["url"]
    pid = site.running["dispatcher"].pid
    crowd = Crowd(broker, shifts, batches=BATCHES)
    with Watcher(broker, site, ENDPOINTS, pid=pid) as watcher:
        _submit_all(site)
        eventually(lambda: _states(watcher) == {"waiting": len(ENDPOINTS)}, what="as many jobs that say why they wait")
        began = time.monotonic()
        crowd.start()
        eventually(lambda: all(job["finished_at"] for job in watcher.jobs), within_s=120, what="the end of all jobs")
        took_s = time.monotonic() - began
    crowd.stop()
    _print(watcher.seen, crowd, took_s)
    assert not crowd.broken
    assert {(job["state"], job["rows"]["created"]) for job in watcher.jobs} == {("succeeded", BATCHES * ROWS_PER_BATCH)}
    assert crowd.written == {(name, no): 1 for name in ENDPOINTS for no in range(1, BATCHES + 1)}
    _assert_bounded(watcher.seen)
    assert max(crowd.pauses.values()) < LONGEST_PAUSE_S, crowd.pauses


def _states(watcher: Watcher) -> Counter[str]:
    return Counter(job["state"] for job in watcher.jobs)


def _assert_bounded(seen: Seen) -> None:
    assert seen.looks > 10
    assert 0 < seen.queued <= WINDOW
    assert seen.queued_in_all <= WINDOW * len(ENDPOINTS)
    assert seen.silent_s < LONGEST_SILENCE_S, seen.reasons
    assert max(seen.memory_mb) < seen.memory_mb[0] + MEMORY_MB, seen.memory_mb


def _print(seen: Seen, crowd: Crowd, took_s: float) -> None:
    """What was measured, for whoever runs this with `-s`."""
    memory = f"memory {seen.memory_mb[0]:.0f} to {max(seen.memory_mb):.0f} MB"
    print(f"\n{took_s:.1f} s, {len(crowd.written) / took_s:.0f} batches/s, {memory}, list of jobs in {seen.answer_s:.2f} s")
    print(f"on one queue {seen.queued}, on all {seen.queued_in_all}, reports not recorded {seen.reports}")
    print(f"unexplained {seen.silent_s:.1f} s, longest pause {max(crowd.pauses.values()):.1f} s")
    print("\n".join(sorted(seen.reasons)))
