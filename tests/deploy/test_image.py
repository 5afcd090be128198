"""The image, built of a bare Debian: it holds what it should, runs without rights, and a whole load goes through in it."""

import json
import os
import re
import shutil
import sys

import pytest

from connector.broker import binary
from tests.deploy.containers import ROOT, Container, Store, Unavailable, index
from tests.deploy.test_compose import composed, load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform != "linux", reason="containers are Linux"),
]
IMAGE = "localhost/rapidstart-connector"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
#: Debian 13, by the name that its archive has for it.
SUITE = "trixie"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    for program in ("buildah", "mmdebstrap"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian's package {program} has it)")
    made = Store(tmp_path_factory.mktemp("images"))
    yield made
    made.buildah("rm", "--all", check=False)
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def image(store):
    """Its name, once it is built."""
    try:
        store.debian(SUITE, "localhost/debian")
    except Unavailable as reason:
        pytest.skip(str(reason))
    store.buildah(
        "bud", "--build-arg", "BASE=localhost/debian", *index(store.folder), "--file", DOCKERFILE,
        "--ignorefile", f"{DOCKERFILE}.dockerignore", "--tag", IMAGE, ROOT, timeout_s=1200,
    )  # fmt: skip
    return IMAGE


@pytest.fixture(scope="module")
def inside(store, image):
    """One for all: a copy of it takes a while."""
    return Container(store, image)


def test_it_is_a_debian_with_both_commands_and_nothing_that_installs(inside):
    assert f"VERSION_CODENAME={SUITE}" in inside.run("cat", "/etc/os-release")
    assert "rapidstart, version" in inside.run("rapidstart", "--version")
    assert "register" in inside.run("rapidstart-worker", "--help")
    assert inside.run("sh", "-c", "command -v pip || command -v setuptools || echo none").strip() == "none"
    assert "MIT License" in inside.run(
        "sh", "-c", "cat /opt/rapidstart/lib/python3*/site-packages/rapidstart_connector-*/licenses/LICENSE"
    )


def test_it_runs_without_rights_and_writes_to_its_home_alone(inside):
    assert inside.run("id", "-u").strip() == "10001"
    assert inside.run("stat", "--format", "%u %g %a", "/var/lib/rapidstart").strip() == "10001 10001 700"
    owned = inside.run(
        "sh", "-c", "find / -xdev ! -path '/proc/*' ! -path '/dev/*' -writable ! -type l 2>/dev/null || true"
    ).split()
    assert {path for path in owned if not path.startswith(("/tmp", "/var/tmp", "/run/lock", "/sys"))} == {"/var/lib/rapidstart"}


def test_nobody_gets_more_rights_by_a_program_of_ours(inside):
    found = inside.run("find", "/opt", "-perm", "/6000")
    assert found == ""


def test_what_the_build_was_told_in_secret_is_not_in_the_image(store, image, inside):
    told = (store.folder / "pip.conf").read_text()
    assert inside.run("sh", "-c", "cat /etc/pip.conf /run/secrets/* 2>/dev/null || true") == ""
    config = store.config(image)
    assert config["config"]["User"] == "10001:10001"
    assert {entry.split("=")[0] for entry in config["config"]["Env"]} == {"PATH", "PYTHONUNBUFFERED", "RAPIDSTART_HOME"}
    places = [word for line in told.splitlines() for word in line.split() if "/" in word]
    files = json.dumps(config) + inside.run(
        "sh", "-c", "cat /opt/rapidstart/pyvenv.cfg /opt/rapidstart/lib/python3*/site-packages/*/direct_url.json"
    )
    assert [place for place in places if place in files] == []


def test_nothing_of_the_repository_is_in_it_that_does_not_run(inside):
    packages = inside.run("sh", "-c", "ls /opt/rapidstart/lib/python3*/site-packages").split()
    assert {"connector", "workers", "celery", "psycopg"} <= set(packages)
    assert not {"tests", "deploy", "pytest", "mypy"} & set(packages)
    assert inside.run("sh", "-c", "ls /src 2>/dev/null || true") == ""


def test_it_is_no_larger_than_it_was(store, image):
    """123 MB are Debian's, some 50 Python's."""
    assert store.size_mb(image) < 480


def test_certificates_are_made_with_what_is_in_it(inside, tmp_path):
    tmp_path.chmod(0o755)
    mounts = ("--volume", f"{ROOT / 'deploy' / 'tls'}:/scripts:ro", "--volume", f"{tmp_path}:/tls", "--user", "0:0")
    inside.run("sh", "/scripts/certificates.sh", "/tls", "rapidstart.test", "10001", options=mounts)
    assert {path.name for path in tmp_path.glob("*.pem")} == {"ca.pem", "dispatcher.pem", "broker.pem"}


def test_a_whole_load_goes_through_in_it(inside):
    """The demo: embedded broker, dispatcher, simulated AOS and workers, all out of the image."""
    told = json.loads(inside.run("rapidstart", "demo", "--once", "--json", check=False))
    jobs = told["jobs"]
    assert jobs
    assert all(re.fullmatch("succeeded|partly_succeeded", job["state"]) for job in jobs)
    assert all(job["rows"]["created"] > 0 and job["rows"]["unknown"] == 0 for job in jobs)


def test_a_load_goes_through_what_compose_starts_of_it(inside, tmp_path):
    """The broker is this computer's; all else comes out of the image, under its own user."""
    tmp_path.chmod(0o755)
    before = os.umask(0)  # folders take the place of volumes, which belong to that user
    try:
        programs = {name: inside.program(name, tmp_path, ROOT) for name in ("rapidstart", "rapidstart-worker", "python")}
        site = composed(tmp_path, binary(), "compose.yaml", programs=programs)
        try:
            site.up()
            done = load(site)
            assert done.returncode == 0, done.stdout + done.stderr + site.log("dispatcher") + site.log("worker-01")
        finally:
            site.down()
    finally:
        os.umask(before)
    assert {path.stat().st_uid for path in (tmp_path / "volume-ledger").iterdir()} == {10001}
