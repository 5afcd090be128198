"""What AX noted of calls that it refused: found by MessageId, told after the batch's end, and never in its way."""

from datetime import UTC, datetime

import pytest

from connector.wire.jobs import Target
from connector.wire.reports import BatchDone, ExceptionsLogged, IntentReported
from tests.nettcp.conftest import Systems
from tests.nettcp.sites import Site
from workers import aos
from workers.errors import GiveUp

IDS = [f"0f6c1f0e-52b4-5c0c-8f0e-3c1f6f0a7a{number:02x}" for number in range(25)]
MAPS = {"MessageId": "Guid", "ExceptionId": "Int64", "PortName": "String", "RecId": "Int64"}
NOTED = {"RecId": "Int64", "Description": "String", "CreatedDateTime": "DateTime"}


def logs(systems: Systems, *noted: tuple[str, str, str]) -> None:
    """Lets AX have noted these: MessageId, text, time."""
    systems.table("AifExceptionMap", MAPS, [[f"{{{one[0]}}}", str(n), "RapidStart", str(n)] for n, one in enumerate(noted, 100)])
    systems.table("SysExceptionTable", NOTED, [[str(n), one[1], one[2]] for n, one in enumerate(noted, 100)])


def target(address: str) -> Target:
    return Target(address=address, port="p", service="s", contract="c")


def test_what_ax_noted_is_found_by_message_id_in_the_order_of_time(systems: Systems):
    later, earlier = (IDS[3], "Größe 漢字\\n is missing.", "2026-11-22T10:00:02"), (IDS[20], "First.", "2026-11-22T10:00:01")
    logs(systems, later, earlier, ("ffffffff-52b4-5c0c-8f0e-3c1f6f0a7a00", "Another's.", "2026-11-22T10:00:00"))
    found = aos.exceptions(aos.Door(), target(systems.address), IDS)
    assert [(one.message_id, one.text, one.port) for one in found] == [
        (IDS[20], "First.", "RapidStart"),
        (IDS[3], "Größe 漢字 is missing.", "RapidStart"),
    ]
    assert found[0].at == datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)
    assert all(request.count("{") <= 10 for _, request in systems.calls)


def test_no_more_is_told_than_a_log_can_bear(systems: Systems):
    logs(systems, *((IDS[0], f"Line {number}", "2026-11-22T10:00:00") for number in range(300)))
    assert len(aos.exceptions(aos.Door(), target(systems.address), IDS[:1])) == 50


def test_an_aos_behind_http_is_not_asked():
    assert aos.exceptions(aos.Door(), target("http://127.0.0.1:1/p/xppservice.svc"), IDS) == []


def test_a_worker_that_shall_not_ask_does_not(systems: Systems):
    logs(systems, (IDS[0], "Noted.", "2026-11-22T10:00:02"))
    assert aos.exceptions(aos.Door(query_service=False), target(systems.address), IDS) == []
    assert systems.calls == []


def test_tables_that_the_account_may_not_read_are_told(systems: Systems):
    with pytest.raises(GiveUp, match="AifExceptionMap"):
        aos.exceptions(aos.Door(), target(systems.address), IDS)


def test_ax_tells_which_messages_it_still_knows(systems: Systems):
    systems.table("AifMessageLog", {"MessageId": "Guid", "RecId": "Int64"}, [[f"{{{IDS[n]}}}", str(n)] for n in (3, 17)])
    assert aos.messages_kept(aos.Door(), target(systems.address), IDS) == {IDS[3], IDS[17]}
    assert aos.messages_kept(aos.Door(), target("http://127.0.0.1:1/p/xppservice.svc"), IDS) is None


def test_after_a_batch_with_refused_calls_ax_own_words_follow(site: Site, systems: Systems):
    site.load("JB-1", "ex-one")
    refused = site.load("JB-2", "ex-one")  # it exists
    asked = [one.intent.message_id for one in refused if isinstance(one, IntentReported)]
    logs(systems, (asked[0], "The record already exists.", "2026-11-22T10:00:01"))
    site.bench.silent.clear()
    told = site.load("JB-2", "ex-one")
    done, after = told[-2:]
    assert isinstance(done, BatchDone)
    assert done.outcomes.letters == "f"
    assert isinstance(after, ExceptionsLogged)
    (noted,) = after.logged
    assert (noted.message_id, noted.text) == (asked[0], "The record already exists.")


def test_what_cannot_be_asked_is_asked_once_and_changes_no_outcome(site: Site, systems: Systems):
    site.load("JB-3", "ex-two")
    for _ in range(2):
        *_, last = site.load("JB-4", "ex-two")
        assert isinstance(last, BatchDone)
        assert last.outcomes.letters == "f"
    assert [name for name, _ in systems.calls] == ["ExecuteQuery"]


def test_where_nothing_was_refused_nothing_is_asked(site: Site, systems: Systems):
    *_, last = site.load("JB-5", "ex-three", "ex-four")
    assert isinstance(last, BatchDone)
    assert last.outcomes.letters == "cc"
    assert systems.calls == []
