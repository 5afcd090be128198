"""How many workers each computer of an endpoint is told to run."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dispatch import scaling
from connector.errors import NotFound, Refused
from connector.ledger import crews, endpoints
from connector.wire.jobs import Wish
from connector.wire.reports import CrewAlive

NOW = 1_000_000.0


def crew(name, most, *, seen_at=NOW):
    return crews.Crew(endpoint="e", crew=name, host=name, pid=1, version="0.1.0", most=most, running=0, seen_at=seen_at)


@given(total=st.integers(0, 200), mosts=st.lists(st.integers(0, 64), max_size=12))
def test_as_many_as_fit_are_divided_as_evenly_as_the_maxima_allow(total, mosts):
    living = [crew(f"c{n}", most) for n, most in enumerate(mosts)]
    shares = scaling.divided(total, living)
    assert sum(shares.values()) == min(total, sum(mosts))
    assert all(shares[each.crew] <= each.most for each in living)
    room = [shares[each.crew] for each in living if shares[each.crew] < each.most]
    assert max(shares.values(), default=0) <= min(room, default=200) + 1, "nobody runs two more than one who could run more"


@pytest.fixture
def told(desk):
    """What a worker service is answered; the dispatcher listens for a minute already."""
    desk.client.add_endpoint("AOS-1", addresses=["http://aos.test/port.svc"])

    def tell(name, *, at=NOW, most=4, listening_for_s=60.0):
        with desk.ledger.write() as db:
            crews.seen(db, CrewAlive(endpoint="AOS-1", worker=name, host=name, most=most, running=0), at=at)
            return scaling.share(db, "AOS-1", name, now=at, listening_since=at - listening_for_s)

    return tell


def test_nothing_is_said_where_nothing_is_wished(told):
    assert told("AOS-1@One").workers is None


def test_the_concurrency_alone_may_be_wished(desk, told):
    desk.client.scale_endpoint("aos-1", concurrency=9)
    wish = told("AOS-1@One")
    assert (wish.workers, wish.concurrency) == (None, 9)


def test_each_computer_is_told_its_share_and_takes_over_that_of_a_lost_one(desk, told):
    desk.client.scale_endpoint("AOS-1", workers=6, concurrency=2)
    assert told("AOS-1@One").workers == 4, "its maximum: it is alone"
    assert told("AOS-1@Two").workers == 3
    assert told("AOS-1@One").workers == 3
    assert told("AOS-1@One", at=NOW + scaling.SILENT_S + 1).workers == 4


def test_a_dispatcher_that_has_just_begun_to_listen_takes_nobody_for_lost(desk, told):
    desk.client.scale_endpoint("AOS-1", workers=6)
    told("AOS-1@Two")
    later = NOW + 3600
    assert told("AOS-1@One", at=later, listening_for_s=1) is None
    told("AOS-1@Two", at=later + 1, listening_for_s=2)
    assert told("AOS-1@One", at=later + 2, listening_for_s=3).workers == 3


def test_what_is_not_named_stays_and_all_of_it_can_be_withdrawn(desk, told):
    desk.client.scale_endpoint("AOS-1", workers=3, concurrency=2)
    assert desk.client.scale_endpoint("AOS-1", workers=0)["scale"] == {"workers": 0, "concurrency": 2}
    assert desk.client.unscale_endpoint("AOS-1")["scale"] == {"workers": None, "concurrency": None}
    assert [line["what"] for line in desk.client.audit(subject="AOS-1")][:3] == ["endpoint scale"] * 3


@pytest.mark.parametrize("wish", [{"workers": -1}, {"concurrency": 0}, {"concurrency": 65}])
def test_what_no_endpoint_can_have_is_refused(desk, told, wish):
    with pytest.raises(Refused):
        desk.client.scale_endpoint("AOS-1", **wish)


def test_an_endpoint_that_nobody_knows_cannot_be_scaled(desk):
    with pytest.raises(NotFound):
        desk.client.scale_endpoint("NONE", workers=1)


def test_a_forgotten_endpoint_leaves_no_wish_to_the_next_one_of_its_name(desk, told):
    told("AOS-1@One")
    desk.client.scale_endpoint("AOS-1", workers=3)
    desk.client.remove_endpoint("AOS-1")
    added = desk.client.add_endpoint("AOS-1", addresses=["http://aos.test/port.svc"])
    assert (added["scale"]["workers"], added["crews"]) == (None, [])


def test_an_endpoint_shows_its_worker_services_until_they_end(desk, told):
    told("AOS-1@One", at=time.time(), most=7)
    (shown,) = desk.client.endpoint("AOS-1")["crews"]
    assert (shown["most"], shown["online"]) == (7, True)
    with desk.ledger.write() as db:
        crews.stopped(db, "AOS-1", "AOS-1@One")
    assert desk.client.endpoint("AOS-1")["crews"] == []


def test_a_worker_service_that_is_silent_for_long_is_forgotten(desk, told):
    told("AOS-1@One")
    with desk.ledger.write() as db:
        endpoints.forget_workers(db, before=NOW + 1)
        assert crews.of_endpoint(db, "aos-1") == []


def test_jobs_are_told_that_nobody_works_because_that_is_wished(desk, told):
    assert scaling.offline(crews.Scale(workers=0), [], name="A") == (
        "A is scaled to 0 workers; for some: rapidstart endpoint scale A --workers N"
    )
    assert "RAPIDSTART_MAX_WORKERS" in scaling.offline(crews.Scale(), [crew("x", 0, seen_at=time.time())], name="A")
    assert scaling.offline(crews.Scale(workers=2), [crew("x", 2, seen_at=time.time())], name="A") == ""


def test_a_wish_travels():
    assert Wish.model_validate_json(Wish(workers=0, concurrency=1).model_dump_json()).workers == 0
