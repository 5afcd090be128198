import sqlite3

import pytest

from connector.errors import NotReachable, Refused
from connector.ledger import Ledger, endpoints
from connector.ledger.backup import backup
from connector.ledger.store import sqlite_url


def test_a_copy_holds_what_was_committed_and_nothing_that_was_not(tmp_path):
    url = sqlite_url(tmp_path / "ledger.db")
    ledger = Ledger(url)
    with ledger.write() as db:
        endpoints.remember(db, "n", "1")
    with ledger.write() as db:
        endpoints.remember(db, "n", "2")
        assert backup(url, tmp_path / "copy.db") > 0
    ledger.close()
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("copy.db?*"))
    copy = Ledger(sqlite_url(tmp_path / "copy.db"))
    with copy.read() as db:
        assert endpoints.fact(db, "n") == "1"
    copy.close()


def test_a_backup_never_replaces_a_file(tmp_path):
    Ledger(sqlite_url(tmp_path / "ledger.db")).close()
    (tmp_path / "copy.db").write_text("the one of yesterday")
    with pytest.raises(Refused, match="is there already"):
        backup(sqlite_url(tmp_path / "ledger.db"), tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "the one of yesterday"


def test_a_ledger_that_is_damaged_leaves_no_copy(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no database" * 1000)
    with pytest.raises(NotReachable, match="cannot be copied"):
        backup(sqlite_url(tmp_path / "ledger.db"), tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.db"]


def test_there_must_be_a_ledger(tmp_path):
    with pytest.raises(NotReachable, match="no ledger yet"):
        backup(sqlite_url(tmp_path / "ledger.db"), tmp_path / "copy.db")
    assert not list(tmp_path.iterdir())
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(f"{(tmp_path / 'ledger.db').as_uri()}?mode=rw", uri=True)


def test_a_ledger_on_a_server_is_left_to_its_own_means(tmp_path):
    with pytest.raises(Refused, match="server's own means") as caught:
        backup("postgresql+psycopg://u:secret@h/d", tmp_path / "copy.db")
    assert "pg_dump" in caught.value.advice
    assert "secret" not in str(caught.value)
