"""A job that is ended while its package is read: every row is told as skipped, and can be taken up later."""

import time
from dataclasses import dataclass

import pytest

from connector.dispatch import Dispatcher, Reconciler, control
from connector.dispatch.planner import Planner
from connector.ledger import endpoints
from tests.dispatch.shop import METADATA, Shop, groups


@dataclass
class Impatient:
    """A person ends a job just when its package was opened."""

    planner: Planner
    dispatcher: Dispatcher

    def plan(self, job, package_path, metadata, *, then):
        control.cancel(self.dispatcher, job.id)
        self.planner.plan(job, package_path, metadata, then=then)


@pytest.fixture
def shop(desk):
    return Shop(desk)


def test_a_load_that_is_cancelled_while_its_package_is_read_leaves_no_row_without_an_outcome(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D", "TOO LONG"))
    control.cancel(shop.dispatcher, first)
    second = control.retry(shop.dispatcher, first, rows="all-not-in").id
    with shop.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=METADATA, checks=(), at=time.time())
    planner = Planner(ledger=shop.ledger, batch_rows=2)
    reconciler = Reconciler(shop.dispatcher, Impatient(planner, shop.dispatcher))
    reconciler.start()
    try:
        deadline = time.monotonic() + 15
        while not shop.job(second).planned:
            assert time.monotonic() < deadline, "it was never planned"
            time.sleep(0.02)
    finally:
        reconciler.stop()
    assert (shop.job(second).state, shop.job(second).rows) == ("cancelled", 5)
    assert shop.totals(second) == {"skipped": 4, "failed": 1}
    assert shop.travelling(second) == []
    assert len(shop.travelling(shop.retry(second))) == 4
