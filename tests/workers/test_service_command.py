"""`rapidstart-worker service` on Linux: what it tells before it makes anything, and whom it finds."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from workers import instances, prerequisites
from workers.cli import main
from workers.commands import service as command


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAPIDSTART_ENDPOINT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))  # no systemctl
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def run(*words: str):
    return CliRunner().invoke(main, ["service", *words])


def test_without_a_broker_nothing_is_installed(home):
    ran = run("install", "--endpoint", "A1")
    assert (ran.exit_code, "no broker is named" in ran.output) == (4, True)
    assert not (home / "endpoints").exists()


def test_what_is_missing_is_told_at_install(home):
    instances.write(home, None, {"broker_url": "redis://me:secret@127.0.0.1:1/0"})
    ran = run("install", "--endpoint", "A1")
    assert "missing      Broker" in ran.output
    assert "secret" not in ran.output


def test_a_system_that_is_too_old_is_told_of_the_near_mode(home, monkeypatch):
    old = prerequisites.system(9600)
    monkeypatch.setattr(prerequisites, "system", lambda: old)
    ran = run("install", "--endpoint", "A1")
    assert ran.exit_code == 4
    assert "run the worker near it" in ran.output


@pytest.mark.parametrize("words", [("start",), ("stop",), ("status",), ("uninstall",)])
def test_an_endpoint_must_be_named(home, words):
    assert "Name the endpoint" in run(*words).output


@pytest.mark.parametrize(
    ("host", "expected"),
    [(None, None), ("elsewhere.test", ""), ("localhost", None)],
)
def test_the_service_follows_the_aos_where_that_is_on_this_computer(home, host, expected):
    folder = home / "endpoints" / "a1"
    folder.mkdir(parents=True)
    if host:
        said = {"endpoint": "A1", "dispatcher": "https://d", "service_host": host, "aos_instance": "1"}
        (folder / "registration.json").write_text(json.dumps(said))
    settings, found = command._instance("A1", None)
    assert command._definition(settings, found).aos == expected


def test_the_service_runs_this_python_with_its_own_home(home):
    settings, found = command._instance("A1", "AX60_ONE")
    words = command._definition(settings, found).command()
    assert Path(words[words.index("--home") + 1]) == home
    assert words[words.index("--instance") + 1] == "AX60_ONE"
