"""What happens next with a batch that came back: the table, the pauses, and when enough is enough."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dispatch import policy
from connector.dispatch.policy import DEFAULT, Fault, Policy, fault_of, is_spent, once_more
from connector.ledger.faults import Past
from connector.wire.reports import BatchRef, BatchReturned, Retry
from workers.aos import situations
from workers.aos.signs import Next

ROOT = Path(__file__).parents[2]

LONGEST = Policy(draw=lambda _, longest: longest)
SHORTEST = Policy(draw=lambda shortest, _: shortest)


def came_back(retry, code="", *, settled=True):
    ref = BatchRef(job="JB-1", step=1, batch=1)
    return BatchReturned(endpoint="A1", worker="w", ref=ref, retry=retry, reason="r", code=code, settled=settled)


@pytest.mark.parametrize(
    ("retry", "code", "settled", "fault"),
    [
        (Retry.SOON, "RSC-5490", True, Fault.STOPPING),
        (Retry.ANSWER, "RSC-5000", True, Fault.ANSWER),
        (Retry.LATER, "RSC-5400", True, Fault.SILENT),
        (Retry.LATER, "RSC-5410", False, Fault.SILENT),
        (Retry.LATER, "RSC-5420", True, Fault.CONFLICT),
        (Retry.LATER, "RSC-5420", False, Fault.SILENT),
        (Retry.NEVER, "RSC-5910", True, Fault.ENDPOINT),
        (Retry.NEVER, "RSC-5902", True, Fault.ENDPOINT),
        (Retry.NEVER, "RSC-5930", True, Fault.CONTRACT),
        (Retry.NEVER, "RSC-5960", True, Fault.JOB),
        (Retry.NEVER, "", True, Fault.JOB),
    ],
)
def test_each_kind_of_return_has_its_fault(retry, code, settled, fault):
    assert fault_of(came_back(retry, code, settled=settled), own_company=False) is fault


def test_a_company_is_the_endpoints_fault_only_where_it_is_one_of_its_own():
    refused = came_back(Retry.NEVER, "RSC-5940")
    assert fault_of(refused, own_company=True) is Fault.ENDPOINT
    assert fault_of(refused, own_company=False) is Fault.JOB


def test_pauses_double_up_to_a_ceiling_and_conflicts_come_back_sooner():
    assert [LONGEST.pause_s(Fault.SILENT, times) for times in (1, 2, 3, 9)] == [5, 10, 20, 60]
    assert [LONGEST.pause_s(Fault.CONFLICT, times) for times in (1, 2, 9)] == [0.5, 1, 8]
    assert LONGEST.pause_s(Fault.STOPPING, 1) == 0
    assert [LONGEST.probe_s(failed) for failed in (0, 1, 99)] == [5, 10, 60]


def test_jitter_is_full_for_batches_and_never_nearly_nothing_for_probes():
    assert SHORTEST.pause_s(Fault.SILENT, 3) == 0
    assert SHORTEST.probe_s(2) == 10


@given(times=st.integers(1, 10_000), fault=st.sampled_from(Fault))
def test_no_pause_is_longer_than_its_ceiling(times, fault):
    assert 0 <= DEFAULT.pause_s(fault, times) <= 60


def test_a_batch_that_gets_further_begins_anew():
    past = once_more(Past(), Fault.CONFLICT, left=9, at=1.0, answered_at=0.0)
    past = once_more(past, Fault.CONFLICT, left=9, at=2.0, answered_at=0.0)
    assert (past.times, past.since) == (2, 1.0)
    assert once_more(past, Fault.CONFLICT, left=8, at=3.0, answered_at=0.0).times == 1
    assert once_more(past, Fault.SILENT, left=9, at=3.0, answered_at=0.0) == Past(fault=Fault.SILENT, times=1, since=3.0, left=9)
    assert once_more(past, Fault.CONFLICT, left=None, at=3.0, answered_at=0.0).times == 3


def silent(times, *, answered, past=None):
    """The past of a batch that came back at each of these times; `answered`: when the AOS answered others."""
    past = past or Past()
    for at in times:
        past = once_more(past, Fault.SILENT, left=2, at=at, answered_at=max((a for a in answered if a <= at), default=0.0))
    return past


def test_tries_at_an_aos_that_answers_nobody_are_none_of_the_batchs_own():
    outage = silent(range(100, 1000, 10), answered=())
    assert (outage.times, outage.since, is_spent(outage)) == (1, 100, False)
    blip = silent(range(1001, 2000, 10), answered=(1000,), past=outage)
    assert (blip.times, blip.since, is_spent(blip)) == (2, 1001, False), "an answer in between makes one try count"


def test_a_batch_that_gets_no_answer_while_others_get_theirs_is_given_up():
    others = range(5, 1000, 10)
    assert not is_spent(silent(range(10, 80, 10), answered=others))
    assert is_spent(silent(range(10, 90, 10), answered=others))


def test_a_batch_that_meets_conflicts_is_given_up():
    assert not is_spent(Past(fault=Fault.CONFLICT, times=7, since=1.0))
    assert is_spent(Past(fault=Fault.CONFLICT, times=8, since=1.0))


def test_every_way_in_which_an_aos_says_that_its_configuration_is_wrong_is_accounted_for():
    """A new one must be given its place: the endpoint is stopped, or the job that met it ends."""
    said = {row.code for row in situations.TABLE if Next.ENDPOINT in (row.next, row.reading)}
    of_the_job = {code for code in said if fault_of(came_back(Retry.NEVER, code), own_company=False) is Fault.JOB}
    assert of_the_job == {"RSC-5411", "RSC-5935", "RSC-5940"}


def test_a_fault_of_the_endpoint_is_one_that_workers_know():
    known = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workers").rglob("*.py"))
    assert [code for code in policy._OF_THE_ENDPOINT if code not in known] == []
