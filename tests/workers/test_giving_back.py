"""A batch that a worker could not finish comes back with all that is known of it."""

import pytest

from connector.wire.reports import BatchReturned, Intent, Outcomes

OPEN = Intent(message_id="m", operation="create", documents=(0,), digest="d", time_limit_s=1)


@pytest.mark.parametrize(("open_intent", "settled"), [(None, True), (OPEN, False)])
def test_a_call_that_may_have_been_made_stays_open_while_the_aos_is_away(bench, open_intent, settled):
    worker = bench(f"away-{settled}", "forced")
    so_far = Outcomes(letters=".")
    worker.send_load(open_intent=open_intent, so_far=so_far)
    (returned,) = worker.await_reports(BatchReturned, 1)
    assert (returned.retry, returned.settled, returned.so_far) == ("later", settled, so_far)
