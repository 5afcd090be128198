"""Outages are known to the dispatcher that leads; the others read what it wrote down."""

import pytest

from connector.dispatch import Dispatcher, Outbox, outages
from connector.dispatch.breaker import Outage
from connector.ledger import Ledger, endpoints

SILENT = Outage(since=5.0, reason="the AOS does not answer", failed=4, next_try=99.0)


@pytest.fixture
def ledger(ledger_url):
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def standing_by(ledger, tmp_path):
    made = Dispatcher(ledger=ledger, outbox=Outbox("redis://127.0.0.1:1/0"), home=tmp_path, call_timeout_s=1, lease_s=3)
    made.add_endpoint(name="A1", addresses=("http://aos/x.svc",), companies=(), partition=None, contract=None)
    made.stands_by = True
    yield made
    made.outbox.close()


def seen(dispatcher):
    with dispatcher.ledger.read() as db:
        return outages.of(dispatcher, db, "a1")


def tell(ledger, told, outage):
    with ledger.write() as db:
        told.tell(db, "a1", outage)


def test_what_the_leader_wrote_is_read_by_the_others(ledger, standing_by):
    told = outages.Told()
    assert seen(standing_by) is None
    tell(ledger, told, SILENT)
    assert seen(standing_by) == SILENT
    tell(ledger, told, None)
    assert seen(standing_by) is None


def test_the_leader_tells_what_it_knows_itself(ledger, standing_by):
    tell(ledger, outages.Told(), SILENT)
    standing_by.stands_by = False
    assert seen(standing_by) is None


def test_only_what_has_changed_is_written(ledger, monkeypatch):
    written = []
    monkeypatch.setattr(endpoints, "remember", lambda db, name, text: written.append(name))
    told = outages.Told()
    for outage in (None, None, SILENT, SILENT, None):
        tell(ledger, told, outage)
    assert written == ["outage a1"] * 3


def test_a_new_leader_forgets_once_what_the_one_before_wrote(ledger, standing_by):
    tell(ledger, outages.Told(), SILENT)
    now = outages.Told()
    with ledger.write() as db:
        now.clean(db)
    assert seen(standing_by) is None
    tell(ledger, outages.Told(), SILENT)  # whoever it was: it is not cleaned up again
    with ledger.write() as db:
        now.clean(db)
    assert seen(standing_by) == SILENT


def test_what_the_new_leader_knows_already_stays(ledger, standing_by):
    now = outages.Told()
    tell(ledger, now, SILENT)
    with ledger.write() as db:
        now.clean(db)
    assert seen(standing_by) == SILENT
