"""What could end up in a log by accident, as a value's repr, holds no secret."""

import pytest

from connector.access import secret, tokens
from connector.access.provider import Begun, Registration
from connector.client import Client
from connector.rights import Role
from connector.settings import Settings
from workers.settings import Settings as WorkerSettings

SECRET = "hunter2-of-the-tests"


@pytest.fixture
def made(tmp_path):
    from connector.access.principal import Principal
    from connector.ledger import Ledger
    from connector.ledger.store import sqlite_url

    ledger = Ledger(sqlite_url(tmp_path / "ledger.db"))
    maker = Principal(name="anna", role=Role.ADMINISTRATOR, key="k")
    yield tokens.create(ledger, "ci", role=Role.VIEWER, service_instances=None, days=None, maker=maker)
    ledger.close()


def test_a_token_that_was_just_made(made):
    assert made.secret.startswith(secret.PREFIX)
    assert made.secret not in repr(made)


def test_settings_of_both_houses(tmp_path, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path))
    monkeypatch.setenv("RAPIDSTART_TOKEN", SECRET)
    monkeypatch.setenv("RAPIDSTART_BROKER_URL", f"redis://user:{SECRET}@broker:6379/0")
    monkeypatch.setenv("RAPIDSTART_LEDGER_URL", f"postgresql+psycopg://user:{SECRET}@db/rapidstart")
    monkeypatch.setenv("RAPIDSTART_AOS_PASSWORD", SECRET)
    assert SECRET in Settings().token
    for settings in (Settings(), WorkerSettings()):
        assert SECRET not in repr(settings) + str(settings)


def test_a_client_and_a_sign_in_under_way():
    registered = Registration(
        issuer="https://login.test", client_id="c", client_secret=SECRET, name_claim="n", role_claim="r", roles={}
    )
    for value in (Client("http://127.0.0.1:1", token=SECRET), registered, Begun(url=SECRET, state=SECRET)):
        assert SECRET not in repr(value) + repr(getattr(value, "__dict__", ""))
