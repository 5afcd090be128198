"""What an operator types wrongly is told in a sentence, without a traceback and without the secret in it."""

import pytest
from click.testing import CliRunner

from tests.aos import ports
from tests.aos.peer import peer
from workers.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main, ["run", *arguments])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAPIDSTART_BROKER_URL", "http://me:secret@broker"),
        ("RAPIDSTART_BROKER_URL", "redis://me:secret@broker:port/0"),
        ("RAPIDSTART_BROKER_URL", "me:secret@broker"),
        ("RAPIDSTART_CONCURRENCY", "many"),
    ],
)
def test_a_wrong_setting_is_a_usage_error(run, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    ran = run("--endpoint", "A1")
    assert (ran.exit_code, name in ran.output) == (2, True)
    assert "secret" not in ran.output


def test_a_settings_file_that_cannot_be_read_is_a_usage_error(run, tmp_path):
    (tmp_path / "worker.toml").write_text("= nonsense")
    ran = run("--endpoint", "A1")
    assert (ran.exit_code, "worker.toml" in ran.output) == (2, True)


def test_a_name_that_cannot_be_an_endpoint_is_told_from_a_missing_one(run):
    assert "'no such' cannot name an endpoint" in run("--endpoint", "no such").output
    assert "Name the endpoint" in run().output


def test_without_a_broker_a_worker_ends_with_4(run):
    ran = run("--endpoint", "A1")
    assert (ran.exit_code, "RAPIDSTART_BROKER_URL" in ran.output) == (4, True)


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"AUTHENTICATION": "windows"}, "RAPIDSTART_AOS_ORIGINS"),
        ({"AUTHENTICATION": "basic", "ORIGINS": "https://aos01", "PASSWORD": "secret"}, "RAPIDSTART_AOS_USER"),
        ({"AUTHENTICATION": "ntlm", "ORIGINS": "http://aos01", "PASSWORD_FILE": "/no/such/file"}, "RAPIDSTART_AOS_PASSWORD_FILE"),
    ],
)
def test_an_account_that_cannot_be_shown_ends_with_4(run, monkeypatch, settings, missing):
    for name, value in settings.items():
        monkeypatch.setenv(f"RAPIDSTART_AOS_{name}", value)
    ran = run("--endpoint", "A1")
    assert (ran.exit_code, missing in ran.output) == (4, True)
    assert "secret" not in ran.output


def test_contracts_are_kept_in_a_folder_of_the_endpoint(run, monkeypatch, tmp_path):
    doors = []

    class Idle:
        def run(self, **_):
            pass

    monkeypatch.setattr("workers.app.create", lambda *_, door, **__: doors.append(door) or Idle())
    monkeypatch.setenv("RAPIDSTART_BROKER_URL", "redis://broker.invalid")
    assert run("--endpoint", "AOS-Test").exit_code == 0
    with peer(ports.Port()) as server:
        doors[0].contract(server.url)
    assert len(list((tmp_path / "endpoints" / "aos-test" / "contracts").iterdir())) == 1


def test_a_service_without_a_broker_ends_with_4(tmp_path, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path))
    ran = CliRunner().invoke(main, ["service", "run", "--endpoint", "A1"])
    assert (ran.exit_code, "RAPIDSTART_BROKER_URL" in ran.output) == (4, True)
    assert CliRunner().invoke(main, ["service", "run"]).exit_code == 2
