"""The token of this computer's user: kept over restarts, made anew when it is gone, worth nothing once it was replaced."""

import os
import stat

import pytest

from connector.access import local, tokens
from connector.errors import NotSignedIn
from connector.ledger import Ledger
from connector.ledger.store import sqlite_url
from connector.rights import Role


@pytest.fixture
def ledger(tmp_path):
    found = Ledger(sqlite_url(tmp_path / "ledger.db"))
    yield found
    found.close()


def test_it_is_there_for_its_owner_alone(ledger, tmp_path):
    assert local.read(tmp_path) == ""
    local.ensure(ledger, tmp_path)
    found = tokens.principal(ledger, local.read(tmp_path), address="127.0.0.1")
    assert (found.role, found.service_instances) == (Role.ADMINISTRATOR, None)
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / local.FILE).stat().st_mode) == 0o600


def test_it_stays_over_restarts(ledger, tmp_path):
    local.ensure(ledger, tmp_path)
    first = local.read(tmp_path)
    local.ensure(ledger, tmp_path)
    assert local.read(tmp_path) == first


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("rsc_somebody-elses\n")])
def test_it_is_made_anew_when_it_is_gone_or_strange(ledger, tmp_path, damage):
    local.ensure(ledger, tmp_path)
    first = local.read(tmp_path)
    damage(tmp_path / local.FILE)
    local.ensure(ledger, tmp_path)
    assert local.read(tmp_path) not in {"", first}
    tokens.principal(ledger, local.read(tmp_path), address="127.0.0.1")
    with pytest.raises(NotSignedIn):
        tokens.principal(ledger, first, address="127.0.0.1")


def test_two_homes_have_one_each(ledger, tmp_path):
    homes = [tmp_path / name for name in ("one", "two")]
    for home in homes:
        home.mkdir()
        local.ensure(ledger, home)
    for home in homes:
        tokens.principal(ledger, local.read(home), address="127.0.0.1")
