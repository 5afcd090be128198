"""The worker under Windows' own Python, as services: two instances, a whole load, and stops that leave nothing."""

import base64
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from connector.wire import keys
from tests.journeys.driving import COMPANY, Site, eventually, free_port, listens, write_csv
from tests.windows.under_wine import Windows

pytestmark = [pytest.mark.slow, pytest.mark.windows, pytest.mark.timeout(1800)]

ROWS = 300
INSTANCES = {"A1": "AX60_ONE", "A2": "AX60_TWO"}


@pytest.fixture
def ring(site: Site, windows: Windows, tmp_path: Path) -> Iterator[Site]:
    """A dispatcher and two AOS, whose workers can be services of that Windows."""
    site.extra["RAPIDSTART_BATCH_ROWS"] = "10"
    package = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], [[f"{n:04d}", f"Group {n}"] for n in range(ROWS)])
    site.start_dispatcher()
    for name in INSTANCES:
        _start_aos(site, name, package)
    windows.home.mkdir(parents=True)
    yield site
    sys.stdout.write(windows.logs())  # shown where a test fails
    for name, instance in INSTANCES.items():
        if windows.has(f"RapidStartConnector${instance}"):
            windows.worker("service", "uninstall", "--endpoint", name, code=None)
    shutil.rmtree(windows.home)


def _start_aos(site: Site, name: str, package: Path) -> None:
    """A call takes two seconds: what stops in the middle of a load is to stop in the middle of one."""
    site.ports[name] = free_port()
    told = ("--company", COMPANY, "--tables-from", package, "--key", "CustGroup=CustGroup", "--latency", "2000")
    site.start(f"aos-{name}", "workers", "simulate", "--port", str(site.ports[name]), *told)
    eventually(lambda: listens(site.ports[name]), what="a listening AOS")


def _say(windows: Windows, **settings: str | int) -> None:
    """Settings of all workers of that computer."""
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    (windows.home / "worker.toml").write_text("".join(lines), encoding="utf-8")


def _register(site: Site, windows: Windows, name: str) -> Path:
    """Make that computer a machine of an endpoint, by a token: the endpoint's folder on it."""
    token = windows.drive / f"{name}.token"
    made = site.rapidstart("registration-token", "create", "--service-instance", "Contoso", "--out", token)
    assert made.returncode == 0, made.stderr
    aos = ("--service-host", f"http://127.0.0.1:{site.ports[name]}", "--endpoint", name, "--company", COMPANY)
    here = ("--dispatcher", site.api_url, "--yes", "--token-file", rf"C:\{name}.token")
    assert "Endpoint updated successfully" in windows.worker("register", *aos, *here)
    token.unlink()
    return windows.home / "endpoints" / name.lower()


def _submit(site: Site, endpoint: str) -> str:
    package = site.folder / "CustGroup.csv"
    return str(site.json("load", package, "--endpoint", endpoint, "--company", COMPANY, "--mode", "create")["id"])


def _is_there(site: Site, endpoint: str) -> bool:
    return any(worker["online"] for worker in site.json("endpoint", "show", endpoint)["workers"])


def _broker(site: Site) -> str:
    return str(json.loads((site.folder / "home" / "broker.json").read_text())["url"])


def _unacked(site: Site, endpoint: str) -> int:
    """What lies on the broker as taken by the endpoint's workers and not done."""
    with redis.Redis.from_url(_broker(site)) as broker:
        queue = f"aos.{endpoint.lower()}"
        return int(broker.hlen(f"{queue}:unacked")) + int(broker.zcard(f"{queue}:unacked_index"))


def test_two_instances_load_at_once_and_a_stop_leaves_nothing(ring: Site, windows: Windows) -> None:
    _say(windows, grace_s=60, concurrency=2)
    for endpoint, instance in INSTANCES.items():
        _register(ring, windows, endpoint)
        said = windows.worker("service", "install", "--endpoint", endpoint, "--instance", instance)
        assert f"RapidStartConnector${instance} is installed" in said
    assert "running" in windows.worker("service", "status", "--instance", "AX60_ONE")
    for endpoint in INSTANCES:  # else one would be done before the other has begun
        eventually(lambda of=endpoint: _is_there(ring, of), what=f"a worker of {endpoint}", within_s=300)
    jobs = {endpoint: _submit(ring, endpoint) for endpoint in INSTANCES}

    for endpoint, job in jobs.items():
        eventually(lambda of=job: ring.job(of)["rows"]["created"], what=f"the first rows of {endpoint}", within_s=300)
    assert _unacked(ring, "A1"), "calls are in hand"
    windows.run("sc", "stop", "RapidStartConnector$AX60_ONE")  # as its console does; the command of ours takes seconds to start
    assert "has ended" in windows.worker("service", "stop", "--endpoint", "A1")
    assert "stopped" in windows.worker("service", "status", "--endpoint", "A1", code=1)
    assert _unacked(ring, "A1") == 0
    _loaded(ring, "A2", jobs["A2"])
    stopped = ring.job(jobs["A1"])
    assert (stopped["finished_at"], 0 < stopped["rows"]["created"] < ROWS) == (None, True), stopped

    assert "runs" in windows.worker("service", "start", "--instance", "AX60_ONE")
    _loaded(ring, "A1", jobs["A1"])
    assert "has ended" in windows.worker("service", "stop", "--instance", "AX60_TWO")
    for endpoint, instance in INSTANCES.items():
        assert "is removed" in windows.worker("service", "uninstall", "--endpoint", endpoint)
        assert "not installed" in windows.worker("service", "status", "--instance", instance, code=1)
        log = (windows.home / "endpoints" / endpoint.lower() / "logs" / "service.log").read_text(encoding="utf-8")
        assert [name for name in INSTANCES if f"celery.apps.worker: {name}." in log] == [endpoint], "a log of its own"
        assert _unacked(ring, endpoint) == 0


def _loaded(site: Site, endpoint: str, job: str) -> None:
    """The load ends with every row in, and no call was made twice."""
    ended = site.ended(job, within_s=400)
    assert (ended["state"], ended["rows"]["created"]) == ("succeeded", ROWS), ended
    assert len(site.records(endpoint, "CustGroup")) == ROWS
    stats = site.stats(endpoint)
    assert (stats["rows_created"], stats["duplicates_refused"]) == (ROWS, 0)


def test_what_a_machine_keeps_is_of_no_use_elsewhere(ring: Site, windows: Windows) -> None:
    folder = _register(ring, windows, "A1")
    script = "import sys, pathlib; from workers import keeping; from connector.wire import keys; f = pathlib.Path(sys.argv[1]); "
    script += "print(keys.text(keeping.ring(f / 'machine.key')), keeping.login(f))"
    opened = windows.python("-c", script, windows.path(folder))
    key, login = opened.split()[1:]
    (registered,) = ring.json("endpoint", "show", "A1")["sealing"]["keys"]
    (mine,) = keys.of_text(f"rapidstart-key-1 {key}", name="machine.key")
    assert mine.public.fingerprint == registered["fingerprint"], "it is the key that it was registered with"
    assert login.startswith("redis://"), "its login at the broker"

    kept = b"".join((folder / name).read_bytes() for name in ("machine.key", "broker.login"))
    raw = b"".join(base64.b64decode((folder / name).read_text().split()[1]) for name in ("machine.key", "broker.login"))
    for secret in (key.encode(), mine.seed, login.encode(), login.rpartition("@")[0].rpartition(":")[2].encode()):
        assert secret not in kept
        assert secret not in raw
    with pytest.raises(keys.KeyUnreadable):
        keys.load(folder / "machine.key")


def test_an_upgrade_goes_beside_and_back_while_the_service_stays(ring: Site, windows: Windows) -> None:
    _say(windows, broker_url=_broker(ring))
    windows.worker("service", "install", "--endpoint", "A1", "--instance", "AX60_ONE")
    before = json.loads(windows.installed.read_text())["current"]

    upgraded = windows.install("--accept-licence")
    assert upgraded.returncode == 0, upgraded.stdout
    assert "RapidStartConnector$AX60_ONE runs this installation" in upgraded.stdout
    assert "--rollback" in upgraded.stdout
    after = json.loads(windows.installed.read_text())
    assert (after["previous"], after["current"] != before) == (before, True)
    assert f"{after['current']}\\python.exe" in windows.command_of("RapidStartConnector$AX60_ONE")
    assert "running" in windows.worker("service", "status", "--endpoint", "A1")

    with windows.broken_bundle():  # a version whose service ends at once
        failed = windows.install("--accept-licence")
    assert (failed.returncode, f"{after['current']} is in use again" in failed.stdout) == (1, True), failed.stdout
    assert "service.log" in failed.stdout, "where it is told why"
    assert json.loads(windows.installed.read_text()) == after
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
    _say(windows, broker_url=_broker(ring))
    original = "RapidStartConnectorService"
    unknown = windows.worker("service", "start", "--endpoint", "A1", code=4)
    assert "(1060)" in unknown
    assert "service install" in unknown
    windows.run("sc", "create", original, "binPath=", r"C:\windows\system32\svchost.exe")
    install = ("service", "install", "--endpoint", "A1", "--instance", "AX60_ONE")
    assert "Microsoft's own connector" in windows.worker(*install)
    assert original in windows.worker("doctor", "--endpoint", "A1", code=4)
    assert f"{original} is removed" in windows.worker(*install, "--replace")
    assert original not in windows.worker("doctor", "--endpoint", "A1", code=None)


def test_doctor_finds_nothing_missing_on_this_windows(ring: Site, windows: Windows) -> None:
    _say(windows, broker_url=_broker(ring))
    address = f"http://127.0.0.1:{ring.ports['A1']}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
    said = windows.worker("doctor", "--endpoint", "A1", "--address", address, "--company", COMPANY, code=None)
    assert "ok           Operating system: Windows, build" in said
    assert "ok           Broker: answers, and the login works" in said
    assert [line for line in said.splitlines() if line.startswith("missing") and "127.0.0.1" in line] == []
