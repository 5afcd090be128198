"""Whose turn it is: priority, what has begun, and one load per company at a time."""

import pytest

from connector.dispatch import turns
from connector.ledger.jobs import Job, JobKind, JobState


def load(number, *, company="USMF", partition=None, begun=False, priority="normal", scope="company", endpoint="a1", **more):
    return Job(
        id=f"JB-{number}",
        number=number,
        endpoint=endpoint,
        scope=scope,
        company=company,
        partition=partition,
        planned=True,
        begun_at=1.0 if begun else None,
        priority=turns.PRIORITIES.index(priority),
        **more,
    )


def order(*jobs):
    return [job.number for job in turns.runnable(jobs, endpoint="a1")]


def test_loads_of_one_company_go_one_after_the_other():
    first, second = load(1), load(2)
    assert order(first, second) == [1]
    assert turns.blockers([first, second]) == {"JB-2": first}


def test_a_load_of_high_priority_goes_before_an_older_one():
    assert order(load(1), load(2, priority="high"), load(3, priority="low")) == [2]


def test_a_load_that_has_begun_is_not_held_up():
    urgent = load(2, priority="high")
    assert order(load(1, begun=True), urgent) == [1]
    assert turns.told(turns.blockers([load(1, begun=True), urgent])["JB-2"], urgent) == "JB-1 is loading USMF"


def test_loads_into_several_companies_share_the_way_by_priority():
    assert order(load(1, begun=True), load(2, company="DEMF", priority="low"), load(3, company="FRRT", priority="high")) == [
        3,
        1,
        2,
    ]


def test_a_paused_load_holds_up_those_behind_it_and_says_so():
    paused = load(1, paused=True)
    assert order(paused, load(2)) == []
    assert turns.told(paused, load(2)) == "JB-1, which loads USMF, is paused"


def test_a_load_that_waits_itself_is_not_said_to_be_loading():
    """Its endpoint may be closed, paused or away for days."""
    first = load(1, begun=True, state=JobState.WAITING)
    assert turns.told(first, load(2)) == "JB-1, which loads USMF, is waiting itself"


@pytest.mark.parametrize("change", [{"paused": True}, {"ending": JobState.CANCELLED}])
def test_what_is_steered_sends_nothing(change):
    assert order(load(1, **change)) == []


def test_surveys_and_previews_wait_for_no_load():
    survey = Job(id="JB-9", number=9, endpoint="a1", kind=JobKind.TEST, planned=True)
    assert order(load(1), survey) == [1, 9]


@pytest.mark.parametrize(
    ("one", "other", "goes"),
    [
        ({}, {"company": "DEMF"}, True),
        ({}, {"company": "USMF", "partition": "p2"}, True),
        ({"scope": "partition"}, {"company": "DEMF"}, False),
        ({"scope": "partition"}, {"partition": "p2"}, True),
        ({"scope": "installation"}, {"partition": "p2"}, False),
        ({}, {"company": "DEMF", "scope": "installation"}, False),
        ({"scope": ""}, {"company": "DEMF"}, False),
        ({}, {"company": "DEMF", "scope": ""}, False),
    ],
)
def test_loads_exclude_each_other_by_what_they_write(one, other, goes):
    assert order(load(1, **one), load(2, **other)) == ([1, 2] if goes else [1])


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ({"scope": ""}, {}, "JB-1 is loading USMF, and nobody says that its tables are per company"),
        ({}, {"scope": ""}, "JB-1 is loading USMF, and nobody says that the tables of this load are per company"),
        ({"scope": "partition"}, {}, "JB-1 is loading USMF, and one of them writes to tables of the whole partition"),
        ({"scope": "", "company": "DEMF"}, {}, "JB-1 is loading DEMF"),
    ],
)
def test_who_waits_is_told_why(one, other, why):
    waits = load(2, company="DEMF", **other)
    first = turns.blockers([load(1, **one), waits])["JB-2"]
    assert turns.told(first, waits) == why


def test_a_load_at_another_endpoint_of_the_database_holds_up_once_it_has_begun():
    here = load(2, scope="")
    assert order(load(1, scope="", endpoint="b1"), here) == [2]
    assert order(load(1, scope="", endpoint="b1", begun=True), here) == []
    assert turns.blockers([load(1, scope="", endpoint="b1", begun=True), here])["JB-2"].id == "JB-1"


@pytest.mark.parametrize(
    ("scopes", "wide"), [(["company", "partition"], "partition"), (["installation", ""], ""), ([], ""), (["company"], "company")]
)
def test_the_scope_of_a_load_is_that_of_its_widest_table(scopes, wide):
    assert turns.widest(scopes) == wide


SHARED = {"scope": "virtual company", "shares_with": (("DEMF", "VIR"), ("FRSI", "VIR"))}


@pytest.mark.parametrize(
    ("one", "other", "goes"),
    [
        (SHARED, {"company": "DEMF"}, False),
        ({}, {"company": "DEMF", "scope": "virtual company", "shares_with": (("usmf", "VIR"),)}, False),
        (SHARED, {"company": "GBSI"}, True),
        (SHARED, {"company": "GBSI", "scope": "virtual company", "shares_with": (("DEMF", "V2"),)}, True),
        (SHARED, {"company": "DEMF", "partition": "p2"}, True),
        (SHARED, {"company": "GBSI", "scope": "partition"}, False),
        (SHARED, {"company": "usmf"}, False),
        ({"company": "usmf"}, {"company": "USMF"}, False),
    ],
)
def test_loads_into_companies_that_share_a_virtual_company_exclude_each_other(one, other, goes):
    assert order(load(1, **one), load(2, **other)) == ([1, 2] if goes else [1])


def test_who_waits_for_a_virtual_company_is_told_its_name():
    first, waits = load(1, **SHARED), load(2, company="DEMF")
    told = "JB-1 is loading USMF, which shares tables with DEMF in the virtual company VIR"
    assert turns.told(turns.blockers([first, waits])["JB-2"], waits) == told
    waits = load(2, company="FRSI", scope="virtual company", shares_with=(("USMF", "VIR"),))
    assert turns.told(load(1), waits) == told.replace("DEMF", "FRSI")


@pytest.mark.parametrize(
    ("said", "any_virtual", "reaches"),
    [
        ("per company", False, "company"),
        ("per company", True, "virtual company"),
        ("virtual company", True, "virtual company"),
        ("virtual company", False, "partition"),
        ("company", True, "company"),
        ("", True, ""),
    ],
)
def test_a_table_per_company_may_be_shared_where_there_are_virtual_companies(said, any_virtual, reaches):
    assert turns.reach(said, any_virtual=any_virtual) == reaches
