"""Whose turn it is: priority, what has begun, and one load per company at a time."""

import pytest

from connector.dispatch import turns
from connector.ledger.jobs import Job, JobKind, JobState


def load(number, *, company="USMF", partition=None, begun=False, priority="normal", **more):
    return Job(
        id=f"JB-{number}",
        number=number,
        endpoint="a1",
        company=company,
        partition=partition,
        planned=True,
        begun_at=1.0 if begun else None,
        priority=turns.PRIORITIES.index(priority),
        **more,
    )


def order(*jobs):
    return [job.number for job in turns.runnable(jobs)]


def test_loads_of_one_company_go_one_after_the_other():
    first, second = load(1), load(2)
    assert order(first, second) == [1]
    assert turns.blockers([first, second]) == {"JB-2": first}


def test_a_load_of_high_priority_goes_before_an_older_one():
    assert order(load(1), load(2, priority="high"), load(3, priority="low")) == [2]


def test_a_load_that_has_begun_is_not_held_up():
    urgent = load(2, priority="high")
    assert order(load(1, begun=True), urgent) == [1]
    assert turns.told(turns.blockers([load(1, begun=True), urgent])["JB-2"]) == "JB-1 is loading USMF"


def test_loads_into_several_companies_share_the_way_by_priority():
    assert order(load(1, begun=True), load(2, company="DEMF", priority="low"), load(3, company="FRRT", priority="high")) == [
        3,
        1,
        2,
    ]


def test_a_paused_load_holds_up_those_behind_it_and_says_so():
    paused = load(1, paused=True)
    assert order(paused, load(2)) == []
    assert turns.told(paused) == "JB-1, which loads USMF, is paused"


@pytest.mark.parametrize("change", [{"paused": True}, {"ending": JobState.CANCELLED}])
def test_what_is_steered_sends_nothing(change):
    assert order(load(1, **change)) == []


def test_surveys_and_previews_wait_for_no_load():
    survey = Job(id="JB-9", number=9, endpoint="a1", kind=JobKind.TEST, planned=True)
    assert order(load(1), survey) == [1, 9]
