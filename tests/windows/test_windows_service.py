"""The worker under Windows' own Python, as services: two instances, a whole load, and stops that leave nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.journeys.driving import COMPANY, Site, eventually, write_csv
from tests.windows.under_wine import Windows

pytestmark = [pytest.mark.slow, pytest.mark.windows, pytest.mark.timeout(900)]

ROWS = 300
INSTANCES = {"A1": "AX60_ONE", "A2": "AX60_TWO"}


@pytest.fixture
def ring(site: Site, windows: Windows, tmp_path: Path) -> Iterator[Site]:
    """A dispatcher and two AOS; their workers are services of that Windows."""
    site.extra["RAPIDSTART_BATCH_ROWS"] = "10"
    package = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], [[f"{n:04d}", f"Group {n}"] for n in range(ROWS)])
    site.start_dispatcher()
    for name in INSTANCES:
        site.start_aos(name, "--tables-from", package, "--key", "CustGroup=CustGroup", "--latency", "200")
    windows.home.mkdir(parents=True, exist_ok=True)
    broker = json.loads((site.folder / "home" / "broker.json").read_text())["url"]
    (windows.home / "worker.toml").write_text(f'broker_url = "{broker}"\ngrace_s = 30\n', encoding="utf-8")
    yield site
    for name in INSTANCES:
        windows.worker("service", "uninstall", "--endpoint", name, code=None)


def _submit(site: Site, endpoint: str) -> str:
    package = site.folder / "CustGroup.csv"
    return str(site.json("load", package, "--endpoint", endpoint, "--company", COMPANY, "--mode", "create")["id"])


def _unacked(site: Site) -> dict[bytes, int]:
    """What lies on the broker as taken and not done, by key."""
    url = json.loads((site.folder / "home" / "broker.json").read_text())["url"]
    with redis.Redis.from_url(url) as broker:
        return {key: broker.hlen(key) for key in broker.scan_iter("*unacked*", _type="hash")}


def test_two_instances_load_at_once_and_a_stop_leaves_nothing(ring: Site, windows: Windows) -> None:
    for endpoint, instance in INSTANCES.items():
        said = windows.worker("service", "install", "--endpoint", endpoint, "--instance", instance)
        assert f"RapidStartConnector${instance} is installed" in said
    assert "running" in windows.worker("service", "status", "--instance", "AX60_ONE")
    jobs = {endpoint: _submit(ring, endpoint) for endpoint in INSTANCES}

    eventually(lambda: ring.job(jobs["A1"])["rows"]["created"], what="the first rows", within_s=120)
    assert "has ended" in windows.worker("service", "stop", "--endpoint", "A1")
    assert "stopped" in windows.worker("service", "status", "--endpoint", "A1", code=1)
    assert [key for key, held in _unacked(ring).items() if held and b"a1" in key] == []

    assert "runs" in windows.worker("service", "start", "--instance", "AX60_ONE")
    for endpoint, job in jobs.items():
        ended = ring.ended(job, within_s=240)
        assert (ended["state"], ended["rows"]["created"]) == ("succeeded", ROWS), ended
        assert len(ring.records(endpoint, "CustGroup")) == ROWS
        assert ring.stats(endpoint)["rows_created"] == ROWS

    for endpoint, instance in INSTANCES.items():
        assert "is removed" in windows.worker("service", "uninstall", "--endpoint", endpoint)
        assert "not installed" in windows.worker("service", "status", "--instance", instance, code=1)
        log = windows.home / "endpoints" / endpoint.lower() / "logs" / "service.log"
        assert "worker" in log.read_text(encoding="utf-8")
    assert [key for key, held in _unacked(ring).items() if held] == []


def test_an_upgrade_goes_beside_and_back_while_the_service_stays(ring: Site, windows: Windows) -> None:
    windows.worker("service", "install", "--endpoint", "A1", "--instance", "AX60_ONE")
    before = json.loads(windows.installed.read_text())["current"]

    upgraded = windows.install("--accept-licence")
    assert upgraded.returncode == 0, upgraded.stdout
    after = json.loads(windows.installed.read_text())
    assert (after["previous"], after["current"] != before) == (before, True)
    assert f"{after['current']}\\python.exe" in windows.command_of("RapidStartConnector$AX60_ONE")
    assert "running" in windows.worker("service", "status", "--endpoint", "A1")

    back = windows.install("--rollback")
    assert back.returncode == 0, back.stdout
    assert json.loads(windows.installed.read_text())["current"] == before
    assert f"{before}\\python.exe" in windows.command_of("RapidStartConnector$AX60_ONE")
    assert "running" in windows.worker("service", "status", "--endpoint", "A1")


def test_without_the_licence_nothing_is_installed(windows: Windows) -> None:
    refused = windows.install()
    assert refused.returncode == 1
    assert "MIT License" in refused.stdout
    assert "not accepted" in refused.stdout


def test_the_original_connector_is_found_and_removed_when_asked(ring: Site, windows: Windows) -> None:
    original = "RapidStartConnectorService"
    windows.run("sc", "create", original, "binPath=", r"C:\windows\system32\svchost.exe")
    assert "Microsoft's own connector" in windows.worker("service", "install", "--endpoint", "A1")
    assert original in windows.worker("doctor", "--endpoint", "A1", code=4)
    assert f"{original} is removed" in windows.worker("service", "install", "--endpoint", "A1", "--replace")
    assert original not in windows.worker("doctor", "--endpoint", "A1", code=None)


def test_doctor_finds_nothing_missing_on_this_windows(ring: Site, windows: Windows) -> None:
    address = f"http://127.0.0.1:{ring.ports['A1']}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
    said = windows.worker("doctor", "--endpoint", "A1", "--address", address, "--company", COMPANY, code=None)
    assert "ok           Operating system: Windows, build" in said
    assert "ok           Broker: answers, and the login works" in said
    assert [line for line in said.splitlines() if line.startswith("missing") and "127.0.0.1" in line] == []
