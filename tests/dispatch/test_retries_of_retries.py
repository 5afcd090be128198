"""A retry of a retry, or of what took rows up that nobody could prove, stays with those rows and leaves the others alone."""

import pytest

from connector.dispatch import control, resolving
from tests.dispatch.shop import METADATA, Shop, groups


@pytest.fixture
def shop(desk):
    return Shop(desk)


def test_a_retry_that_was_cancelled_before_it_was_planned_takes_up_no_others(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "cf", "cc")
    second = control.retry(shop.dispatcher, first).id
    control.cancel(shop.dispatcher, second)
    assert shop.travelling(shop.retry(second)) == [(1, 3)]


def test_a_retry_that_was_cancelled_after_it_was_planned_takes_up_no_others(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "cf", "fc")
    second = shop.retry(first)
    control.cancel(shop.dispatcher, second)
    assert shop.totals(second) == {"skipped": 2}
    assert shop.travelling(shop.retry(second)) == [(1, 3), (1, 4)]


def test_a_retry_with_skipped_rows_takes_up_no_others(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "cf", "fc")
    second = shop.retry(first)
    shop.settle(second, "cs")
    assert shop.travelling(shop.retry(second)) == [(1, 4)]


def test_rows_that_were_to_be_loaded_again_and_were_not_take_no_others_with_them(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "c?", "cc")
    second = resolving.resolve(shop.dispatcher, first, way="retry", rows=None).made
    control.cancel(shop.dispatcher, second)
    third = shop.retry(second)
    assert shop.travelling(third) == [(1, 3)]
    control.cancel(shop.dispatcher, third)
    assert shop.travelling(shop.retry(third)) == [(1, 3)]


def test_a_retry_whose_package_could_not_be_planned_takes_up_no_others(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "cf", "cc")
    second = control.retry(shop.dispatcher, first).id
    shop.desk.fail(second, reason="the endpoint offers no CustGroup today")
    third = control.retry(shop.dispatcher, second, rows="skipped")
    assert shop.travelling(shop.plan(third.id, METADATA)) == [(1, 3)]
