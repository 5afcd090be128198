import importlib
import pkgutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from connector import ledger as rooms
from connector.errors import NotReachable, Refused
from connector.ledger import Ledger, endpoints, schema
from connector.ledger.store import sqlite_url

on_postgresql = pytest.mark.parametrize("ledger_url", ["postgresql"], indirect=True)


@pytest.fixture
def other(ledger, ledger_url):
    """The same ledger, as another process has it open."""
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


def fact(ledger, name="n"):
    with ledger.read() as db:
        return endpoints.fact(db, name)


def remember(ledger, value, name="n"):
    with ledger.write() as db:
        endpoints.remember(db, name, value)


def test_what_was_written_is_there_when_the_ledger_is_opened_again(ledger, ledger_url):
    remember(ledger, "1")
    ledger.close()
    again = Ledger(ledger_url)
    assert fact(again) == "1"
    again.close()


def test_a_transaction_that_fails_leaves_nothing(ledger):
    def fail():
        with ledger.write() as db:
            endpoints.remember(db, "n", "1")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert fact(ledger) is None


def test_writers_of_all_processes_take_turns(ledger, other):
    def count_up(mine):
        for _ in range(20):
            with mine.write() as db:
                endpoints.remember(db, "n", str(int(endpoints.fact(db, "n") or 0) + 1))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(count_up, (ledger, ledger, other)))
    assert fact(ledger) == "60"


def test_processes_that_start_at_once_make_one_schema(ledger_url):
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(Ledger, [ledger_url] * 4))
    remember(opened[0], "1")
    assert [fact(ledger) for ledger in opened] == ["1"] * 4
    for ledger in opened:
        ledger.close()


def test_a_reader_sees_one_state_and_does_not_wait_for_writers(ledger, other):
    remember(ledger, "before")
    with other.write() as writing:
        endpoints.remember(writing, "n", "after")
        with ledger.read() as db:
            assert endpoints.fact(db, "n") == "before"
            writing.commit()
            assert endpoints.fact(db, "n") == "before"
    assert fact(ledger) == "after"


@on_postgresql
@pytest.mark.parametrize(
    "then", [lambda db: endpoints.remember(db, "m", "2"), lambda _: None], ids=["in the middle", "before the commit"]
)
def test_a_connection_that_is_lost_is_not_reachable_and_leaves_nothing(ledger, postgresql, then):
    def lose():
        with ledger.write() as db:
            endpoints.remember(db, "n", "1")
            assert postgresql.cut()
            then(db)

    with pytest.raises(NotReachable, match="the ledger cannot be used: ") as caught:
        lose()
    assert "\n" not in str(caught.value)
    assert fact(ledger) is None
    remember(ledger, "3")
    assert fact(ledger) == "3"


@on_postgresql
def test_connections_that_were_lost_while_nobody_used_them_are_made_anew(ledger, postgresql):
    remember(ledger, "1")
    assert postgresql.cut()
    remember(ledger, "2")
    assert postgresql.cut()
    assert fact(ledger) == "2"


def test_a_commit_is_on_disk_whatever_the_server_is_set_to(postgresql):
    url = postgresql.database()
    with postgresql.connect() as admin:
        admin.execute(f"ALTER DATABASE {sa.make_url(url).database} SET synchronous_commit = off")
    ledger = Ledger(url)
    with ledger.write() as db:
        assert db.execute(sa.text("SHOW synchronous_commit")).scalar() == "on"
    ledger.close()


def test_a_url_without_a_driver_means_the_one_that_is_there(postgresql):
    Ledger(postgresql.database().replace("postgresql+psycopg:", "postgresql:")).close()


def test_a_server_that_does_not_answer_is_not_reachable(postgresql):
    url = sa.make_url(postgresql.database()).set(port=1).render_as_string(hide_password=False)
    with pytest.raises(NotReachable, match="the ledger cannot be used") as caught:
        Ledger(url)
    assert "throw" not in str(caught.value), "the password is nobody's business"


def test_an_account_that_may_not_make_tables_is_told(postgresql):
    url = postgresql.database()
    with postgresql.connect() as admin:
        admin.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    guest = sa.make_url(url).set(username="guest", password="guest").render_as_string(hide_password=False)
    with pytest.raises(NotReachable, match="permission denied"):
        Ledger(guest)


def test_a_database_that_cannot_hold_every_text_is_refused(postgresql):
    with pytest.raises(Refused, match="encoded in SQL_ASCII"):
        Ledger(postgresql.database("ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"))


@pytest.mark.parametrize("url", ["mysql://u@h/d", "nowhere", ""])
def test_a_url_of_no_such_database_is_refused(url):
    with pytest.raises(Refused, match="the ledger") as caught:
        Ledger(url)
    assert "RAPIDSTART_LEDGER_URL" in caught.value.advice


def test_a_missing_driver_is_refused_with_the_name_of_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Refused, match="psycopg") as caught:
        Ledger("postgresql+psycopg://u@127.0.0.1:1/d")
    assert "rapidstart-connector[postgresql]" in caught.value.advice


def test_a_file_that_cannot_be_made_is_not_reachable(tmp_path):
    with pytest.raises(NotReachable):
        Ledger(sqlite_url(tmp_path / "missing" / "ledger.db"))


def test_a_ledger_of_a_later_version_is_refused_and_left_as_it_is(ledger, ledger_url):
    with ledger.write() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="later version") as caught:
        Ledger(ledger_url)
    assert "9999" in caught.value.message
    assert "backup" in caught.value.advice
    with ledger.read() as db:
        assert db.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == ["9999"]


def test_the_migrations_make_the_schema_that_the_code_speaks_of(ledger):
    for module in pkgutil.iter_modules(rooms.__path__):  # tables stand beside their questions
        importlib.import_module(f"{rooms.__name__}.{module.name}")
    with ledger.write() as db:
        assert compare_metadata(MigrationContext.configure(db), schema.metadata) == []
