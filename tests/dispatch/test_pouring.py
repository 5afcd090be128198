"""Rows per second."""

from hypothesis import given
from hypothesis import strategies as st

from connector.dispatch.pouring import Buckets


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_what_was_let_go_is_paid_off_by_time():
    clock = Clock()
    buckets = Buckets(clock=clock)
    assert buckets.may_leave("a", rate=10)
    buckets.left("a", rate=10, rows=50)
    assert buckets.wait_s("a", rate=10) == 5
    assert buckets.may_leave("b", rate=10), "of another endpoint nothing is owed"
    clock.now = 4.9
    assert not buckets.may_leave("a", rate=10)
    clock.now = 5.0
    assert buckets.may_leave("a", rate=10)


@given(
    rate=st.floats(0.5, 5000),
    events=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 500)), min_size=1, max_size=60),
)
def test_no_more_leaves_than_the_rate_a_second_saved_up_and_one_batch(rate, events):
    clock = Clock()
    buckets = Buckets(clock=clock)
    gone = []
    for pause, rows in events:
        clock.now += pause
        if buckets.may_leave("a", rate=rate):
            buckets.left("a", rate=rate, rows=rows)
            gone.append((clock.now, rows))
    for place, (since, _) in enumerate(gone):
        left = [rows for _, rows in gone[place:]]
        assert sum(left[:-1]) <= rate * (gone[-1][0] - since + 1) + 1e-6
