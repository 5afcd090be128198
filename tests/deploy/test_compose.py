"""The compose files: valid, complete, and a load goes through what they start, run here as processes."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import redis
import yaml

from connector.broker import binary
from tests.deploy.composed import Composed, any_net, published, read

ROOT = Path(__file__).parents[2]
REMOTE = ["compose.yaml", "deploy/compose.remote.yaml"]
GIVEN = {"RAPIDSTART_BROKER_PASSWORD": "s3cretS3cret", "PUBLIC_HOST": "rapidstart.test", "BROKER_CLIENT_CERTIFICATES": "yes"}
PING = (
    "import os, sys, redis; "
    "redis.Redis(host=sys.argv[2], username=sys.argv[4], password=os.environ['REDISCLI_AUTH']).ping(); print('PONG')"
)
PROGRAMS = {
    "rapidstart": f'exec {sys.executable} -m connector "$@"',
    "rapidstart-worker": f'exec {sys.executable} -m workers "$@"',
    "python": f'exec {sys.executable} "$@"',
    "docker-entrypoint.sh": 'exec "$@"',
    "chown": "exit 0",
    "valkey-cli": f'exec {sys.executable} -c "{PING}" "$@"',
}
#: Told only where there is something to tell.
MAYBE = {"rapidstart_messages_refused_total", "rapidstart_trouble"}
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="every address of 127.0.0.0/8 can be listened on in Linux alone"),
    pytest.mark.timeout(600),
]


def composed(tmp_path, server, *files, programs=None):
    """People reach the dispatcher by the address that it has here, and its certificate is for that one."""
    net = any_net()
    number = list(read(*files, given=GIVEN)).index("dispatcher") + 1
    given = GIVEN | {"PUBLIC_HOST": f"{net}.{number}"}
    found = PROGRAMS | {"valkey-server": f'exec {server} "$@"'} | (programs or {})
    return Composed(read(*files, given=given), tmp_path, programs=found, net=net)


def load(site, *, endpoint="DEMO-01"):
    (site.folder / "dispatcher" / "tmp" / "CustGroup.csv").write_bytes(b"CustGroup,Name\r\n10,Wholesale\r\n20,Retail\r\n")
    command = ["rapidstart", "load", "/tmp/CustGroup.csv", "--endpoint", endpoint, "--company", "USMF", "--watch"]
    return site.run("dispatcher", command)


@pytest.mark.slow
def test_a_load_goes_through_what_compose_starts(tmp_path):
    site = composed(tmp_path, binary(), "compose.yaml")
    try:
        site.up()
        done = load(site)
        assert done.returncode == 0, done.stdout + done.stderr + site.log("dispatcher") + site.log("worker-01")
    finally:
        site.down()


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """What both files start, once for all tests that need it: their own health checks and the order hold there too."""
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        pytest.skip("no server with TLS is installed (Debian's package redis-server is one)")
    site = composed(tmp_path_factory.mktemp("remote"), server, *REMOTE)
    try:
        site.up()
        with published((site.addresses["dispatcher"], 6380), (site.addresses["valkey"], 6380)):
            yield site
    finally:
        site.down()


@pytest.mark.slow
def test_a_load_goes_through_with_tls_on_both_ports(remote, tmp_path):
    done = load(remote)
    assert done.returncode == 0, done.stdout + done.stderr + remote.log("dispatcher") + remote.log("worker-01")
    trust = ssl.create_default_context(cafile=remote.folder / "volume-tls" / "ca.pem")
    trust.load_cert_chain(client_certificate(remote, tmp_path))
    for port in (443, 6380):
        with (
            socket.create_connection((remote.addresses["dispatcher"], port), timeout=10) as plain,
            trust.wrap_socket(plain, server_hostname=remote.addresses["dispatcher"]) as secured,
        ):
            assert secured.version() in {"TLSv1.2", "TLSv1.3"}
    private = [path for path in (remote.folder / "volume-tls").glob("*.key") if path.stat().st_mode & 0o077]
    assert private == []


@pytest.mark.slow
def test_the_broker_takes_nobody_from_elsewhere_without_a_certificate(remote, tmp_path):
    address, ca = remote.addresses["dispatcher"], str(remote.folder / "volume-tls" / "ca.pem")
    login = {"host": address, "port": 6380, "username": "rapidstart", "password": GIVEN["RAPIDSTART_BROKER_PASSWORD"]}
    with pytest.raises(redis.ConnectionError):
        redis.Redis(**login, ssl=True, ssl_ca_certs=ca, retry=None).ping()
    mine = str(client_certificate(remote, tmp_path))
    assert redis.Redis(**login, ssl=True, ssl_ca_certs=ca, ssl_certfile=mine, ssl_keyfile=mine).ping()


def client_certificate(site, folder):
    """One of the authority's, as the operator makes it."""
    script = ROOT / "deploy" / "tls" / "client.sh"
    made = subprocess.run(["sh", script, site.folder / "volume-tls", "aos-elsewhere"], capture_output=True, check=True)
    (folder / "mine.pem").write_bytes(made.stdout)
    return folder / "mine.pem"


@pytest.mark.slow
def test_an_aos_elsewhere_is_registered_and_loaded_by_both_ports(remote, tmp_path):
    """Its computer knows the dispatcher's address, the authority and a one-time token, and connects out alone."""
    told = remote.run("dispatcher", ["rapidstart", "registration-token", "create", "--json"])
    assert told.returncode == 0, told.stderr
    (tmp_path / "token").write_text(json.loads(told.stdout)["secret"])
    ca = tmp_path / "ca.pem"
    ca.write_bytes((remote.folder / "volume-tls" / "ca.pem").read_bytes())
    aos = f"http://{remote.addresses['aos-02']}:8101"
    command = ["register", "--service-host", aos, "--dispatcher", f"https://{remote.addresses['dispatcher']}"]
    command += ["--endpoint", "ELSEWHERE", "--company", "USMF", "--yes", "--token-file", tmp_path / "token", "--ca-file", ca]
    command += ["--client-certificate", client_certificate(remote, tmp_path)]
    registered = beside(tmp_path, *command)
    assert registered.wait(120) == 0, said(tmp_path)
    worker = beside(tmp_path, "run", "--endpoint", "ELSEWHERE")
    try:
        loaded = load(remote, endpoint="ELSEWHERE")
        assert loaded.returncode == 0, loaded.stdout + loaded.stderr + remote.log("dispatcher") + said(tmp_path)
        shown = remote.run("dispatcher", ["rapidstart", "endpoint", "show", "ELSEWHERE", "--json"])
        assert json.loads(shown.stdout)["sealing"]["sealed"]
    finally:
        worker.terminate()
        assert worker.wait(60) == 0, said(tmp_path)


def said(folder):
    """What the commands of that computer have said."""
    return (folder / "said").read_text()


@pytest.mark.slow
def test_prometheus_is_told_what_it_is_to_watch(remote):
    """By what a dispatcher serves that has worked, over TLS, as the scrape of deploy/prometheus asks for it."""
    load(remote)
    made = remote.run("dispatcher", ["rapidstart", "token", "create", "prometheus", "--role", "viewer", "--json"])
    trust = ssl.create_default_context(cafile=remote.folder / "volume-tls" / "ca.pem")
    asked = urllib.request.Request(
        f"https://{remote.addresses['dispatcher']}/metrics",
        headers={"Authorization": f"Bearer {json.loads(made.stdout)['secret']}"},
    )
    with urllib.request.urlopen(asked, timeout=60, context=trust) as answer:
        text = answer.read().decode()
    served = set(re.findall(r"(?m)^([a-z_]+)[{ ]", text))
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())["groups"][0]["rules"]
    watched = {name for rule in rules for name in re.findall(r"\b(?:rapidstart|process)_[a-z_]*[a-z]\b", rule["expr"])}
    assert watched - served <= MAYBE
    ends = re.findall(r'(?m)^rapidstart_certificate_expiry_timestamp_seconds{certificate="(\w+)"} (\S+)$', text)
    assert {name for name, _ in ends} == {"broker", "dispatcher"}
    assert all(time.time() + 390 * 86400 < float(end) < time.time() + 400 * 86400 for _, end in ends)
    promtool = shutil.which("promtool")
    if promtool:
        checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def beside(folder, *arguments):
    """A command of the worker, on a computer that has nothing but a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPIDSTART_")}
    with (folder / "said").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "workers", *map(str, arguments)],
            env=clean | {"RAPIDSTART_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)},
            cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip


def test_certificates_are_made_once_and_what_is_missing_is_made_again(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    make = ["sh", str(ROOT / "deploy" / "tls" / "certificates.sh"), str(tmp_path), "192.0.2.7"]
    subprocess.run(make, check=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    subprocess.run(make, check=True)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "broker.pem").unlink()
    subprocess.run(make, check=True)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after["broker.pem"] != before["broker.pem"]
    assert after["ca.pem"] == before["ca.pem"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077) == [
        "broker.pem", "ca.pem", "dispatcher.pem",
    ]  # fmt: skip
    verify = ["openssl", "verify", "-x509_strict", "-verify_ip", "192.0.2.7", "-CAfile"]
    shown = subprocess.run(
        [*verify, tmp_path / "ca.pem", tmp_path / "dispatcher.pem"], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("files", [["compose.yaml"], REMOTE])
def test_every_long_running_service_is_watched_and_has_no_more_rights_than_it_needs(files):
    services = read(*files, given=GIVEN)
    lasting = {name for name, service in services.items() if service.get("restart") != "no"}
    unwatched = {name for name in lasting if "healthcheck" not in services[name]}
    assert unwatched == {"worker-01", "worker-02"}  # they tell the dispatcher themselves that they live
    for name in lasting - {"valkey"}:
        assert services[name]["cap_drop"] == ["ALL"], name
        assert "user" not in services[name], name


@pytest.mark.parametrize("files", [["compose.yaml"], REMOTE])
def test_what_ends_by_itself_is_waited_for(files):
    """Else `docker compose up --wait` is done before it is, or takes its end for a failure."""
    services = read(*files, given=GIVEN)
    ending = {name for name, service in services.items() if service.get("restart") == "no"}
    needs = [need for service in services.values() for need in service.get("depends_on", {}).items()]
    assert ending
    assert ending == {name for name, need in needs if need["condition"] == "service_completed_successfully"}


def test_a_certificate_is_asked_for_where_the_operator_says_so():
    for given, word in ((GIVEN, "yes"), ({"PUBLIC_HOST": "rapidstart.test"}, "no")):
        options = read(*REMOTE, given=given)["valkey"]["environment"]["VALKEY_OPTIONS"]
        assert options.endswith(f"--tls-auth-clients {word}")


def test_nothing_but_tls_is_published_beyond_this_computer():
    published = [port for service in read(*REMOTE, given=GIVEN).values() for port in service.get("ports", [])]
    assert {port for port in published if not port.startswith("127.0.0.1:")} == {"443:443", "6380:6380"}
