"""`rapidstart endpoint limit`, and what `endpoint show` says of an endpoint that nothing is sent to."""

import time

import pytest

from connector.ledger import limits
from connector.ledger.limits import Stopped


def test_limits_are_set_one_by_one_and_shown(run, office):
    assert run("endpoint", "limit", "AOS-1", "--concurrency", 2).out == "AOS-1: 2 at once\n"
    ran = run("endpoint", "limit", "aos-1", "--hours", "weekdays 20:00-06:00 Europe/Berlin", "--call-seconds", "1-8")
    assert ran.out == "AOS-1: 2 at once; loads weekdays 20:00-06:00 Europe/Berlin; calls of 1 to 8 s\n"
    ran = run("endpoint", "limit", "AOS-1", "--rows-per-second", 12.5, "--json")
    assert ran.lines[0]["limits"] == {
        "concurrency": 2,
        "rows_per_second": 12.5,
        "hours": "weekdays 20:00-06:00 Europe/Berlin",
        "call_seconds": [1.0, 8.0],
    }
    assert "12.5 rows per second" in " ".join(run("endpoint", "show", "AOS-1").out.split())


def test_limits_are_taken_away(run, office):
    run("endpoint", "limit", "AOS-1", "--concurrency", 2, "--rows-per-second", 5)
    assert run("endpoint", "limit", "AOS-1", "--clear", "--concurrency", 3).out == "AOS-1: 3 at once\n"
    assert run("endpoint", "limit", "AOS-1", "--clear").out == "AOS-1: no limits\n"


def test_an_endpoint_is_added_with_limits(run, office):
    ran = run("endpoint", "add", "NEW", "--url", "http://aos.test", "--concurrency", 1, "--hours", "daily 01:00-05:00 UTC")
    assert ran.code == 0
    assert office.client.endpoint("new")["limits"]["hours"] == "daily 01:00-05:00 UTC"
    assert office.client.endpoint("AOS-1")["limits"] == dict.fromkeys(("concurrency", "rows_per_second", "call_seconds")) | {
        "hours": "",
    }


def test_an_endpoint_that_carries_calls_out_twice_is_marked_so(run, office):
    """Also while something is loaded: that is when it is found out. It is no limit, and stays when limits are taken away."""
    assert run("endpoint", "add", "AOS-1", "--replace", "--not-idempotent", "--json").lines[0]["not_idempotent"] == ["*"]
    assert run("endpoint", "limit", "AOS-1", "--concurrency", 2).out == "AOS-1: 2 at once\n"
    assert run("endpoint", "limit", "AOS-1", "--clear").out == "AOS-1: no limits\n"
    told = " ".join(run("endpoint", "show", "AOS-1").out.split())
    assert "Repetition none: AX carries out a message that it has seen" in told
    assert run("endpoint", "add", "AOS-1", "--replace", "--idempotent", "--json").lines[0]["not_idempotent"] == []
    assert "Repetition" not in run("endpoint", "show", "AOS-1").out


def test_so_may_be_one_of_its_ports(run, office):
    office.client.test_endpoint("AOS-1")
    ran = run("endpoint", "add", "AOS-1", "--replace", "--not-idempotent-port", "Journals", "--not-idempotent-port", "Sales")
    assert "Repetition none at Journals, Sales: AX carries out" in " ".join(ran.out.split())
    assert office.client.endpoint("AOS-1")["not_idempotent"] == ["Journals", "Sales"]
    wrong = run("endpoint", "add", "AOS-1", "--replace", "--idempotent", "--not-idempotent-port", "Journals")
    assert wrong.code == 2
    other = run("endpoint", "add", "AOS-1", "--replace", "--idempotent", "--company", "DEMF")
    assert (other.code, "unfinished jobs" in other.err) == (3, True)
    assert office.client.endpoint("AOS-1")["not_idempotent"] == ["Journals", "Sales"]


def test_a_single_limit_is_taken_away(run, office):
    run("endpoint", "limit", "AOS-1", "--concurrency", 2, "--rows-per-second", 5, "--hours", "daily 01:00-05:00 UTC")
    run("endpoint", "limit", "AOS-1", "--call-seconds", "1-8")
    assert run("endpoint", "limit", "AOS-1", "--hours", "none", "--call-seconds", "None").out == (
        "AOS-1: 2 at once; 5 rows per second\n"
    )
    assert run("endpoint", "limit", "AOS-1", "--rows-per-second", "none").out == "AOS-1: 2 at once\n"
    assert run("endpoint", "limit", "AOS-1", "--concurrency", "none").out == "AOS-1: no limits\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "say what to limit"),
        (("--concurrency", "0"), 2, "0 is not in the range"),
        (("--rows-per-second", "0"), 2, "0.0 is not in the range"),
        (("--rows-per-second", "nan"), 2, "nan is no number of rows"),
        (("--rows-per-second", "inf"), 2, "inf is no number of rows"),
        (("--call-seconds", "fast"), 2, "write it as 2-20"),
        (("--call-seconds", "20-2"), 3, "the shortest call must be shorter"),
        (("--hours", "at night"), 3, 'Write it as "weekdays 20:00-06:00 Europe/Berlin"'),
        (("--hours", "daily 01:00-05:00 Atlantis"), 3, "'Atlantis' is not the name of a time zone"),
    ],
)
def test_what_makes_no_limit_is_refused_and_changes_nothing(run, office, arguments, code, said):
    ran = run("endpoint", "limit", "AOS-1", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert office.client.endpoint("AOS-1")["limits"]["concurrency"] is None


def test_a_stopped_endpoint_says_why_and_what_to_do(run, office):
    with office.ledger.write() as db:
        why = Stopped(at=1.0, reason="AX refuses this account.", advice="Enable it.", code="RSC-5910")
        assert limits.stop(db, "aos-1", why)
        assert not limits.stop(db, "aos-1", why), "the first reason stays"
    told = " ".join(run("endpoint", "show", "AOS-1").out.split())
    assert "AOS-1 stopped" in told
    assert "AX refuses this account. Enable it. Then: rapidstart endpoint test AOS-1" in told
    assert run("endpoint", "resume", "AOS-1", "--json").lines[0]["stopped"] is None


def test_a_silent_aos_is_told_with_the_time_of_the_next_try(run, office):
    for _ in range(3):
        office.dispatcher.gate.breakers.silent("aos-1", reason="The port is closed.", since=100.0, at=time.time())
    told = " ".join(run("endpoint", "show", "AOS-1").out.split())
    assert "the AOS has not answered since 1970-01-01" in told
    assert ": The port is closed; next try at" in told
    assert office.client.endpoint("AOS-1")["outage"]["since"] == "1970-01-01T00:01:40.000Z"


def test_loads_outside_of_the_hours_are_told_when_they_go(run, office):
    now = time.gmtime()
    hours = f"daily {(now.tm_hour + 2) % 24:02d}:00-{(now.tm_hour + 3) % 24:02d}:00 UTC"
    run("endpoint", "limit", "AOS-1", "--hours", hours)
    assert office.client.endpoint("AOS-1")["opens_at"]
    assert "Opens" in run("endpoint", "show", "AOS-1").out
