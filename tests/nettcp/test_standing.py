"""Rows that AX holds as they are: told by its query service in one call; all others take the ordinary way."""

from collections import Counter

import pytest

from connector.wire.reports import BatchDone, Report
from tests.nettcp.conftest import Systems
from tests.nettcp.sites import Site

FIELDS = ["Name", "Description", "LowestPayment"]
TYPES = {"Name": "String", "Description": "String", "LowestPayment": "Decimal", "RecId": "Int64", "DataAreaId": "String"}
Rows = list[list[str | None]]


def rows(prefix: str, count: int = 120, *, text: str = "Größe 漢字") -> Rows:
    return [[f"{prefix}{number:04d}", text, "12.50"] for number in range(count)]


def known(systems: Systems, there: Rows, *, company: str = "usmf") -> None:
    """Lets the query service know these rows; as AX does, it writes the number otherwise than a package."""
    told = [[name, text, "12.5000", str(number), company] for number, (name, text, _) in enumerate(there)]
    systems.table("PaymSched", TYPES, told)


def done(reports: list[Report]) -> BatchDone:
    *_, last = reports
    assert isinstance(last, BatchDone)
    return last


def letters(site: Site, job: str, given: Rows, **more: str) -> Counter[str]:
    return Counter(done(site.load_rows(job, FIELDS, given, **more)).outcomes.letters)


def test_rows_that_stand_are_told_without_reading_a_document(site: Site, systems: Systems):
    """AX' document service does not even know them: nobody asked it."""
    there = rows("st")
    known(systems, there)
    told = done(site.load_rows("JB-1", FIELDS, there))
    assert told.outcomes.letters == "=" * len(there)
    assert told.calls == 1
    ((_, request),) = systems.calls
    assert ">USMF<" in request


def test_rows_that_differ_or_are_missing_take_the_ordinary_way(site: Site, systems: Systems):
    there = rows("df")
    assert letters(site, "JB-1", there[:110], mode="create") == {"c": 110}
    known(systems, there[:110])
    asked = [*there]
    asked[0] = [there[0][0], "changed", "12.50"]
    assert letters(site, "JB-2", asked) == {"u": 1, "=": 109, "c": 10}


@pytest.mark.parametrize("why", ["another company", "null", "twice"])
def test_what_proves_nothing_is_looked_up(site: Site, systems: Systems, why: str):
    there = rows(f"pn{why[0]}")
    if why == "another company":
        known(systems, there, company="demf")
    elif why == "null":
        known(systems, [[name, None, amount] for name, _, amount in there])
    else:
        known(systems, [*there, *there])
    assert letters(site, "JB-1", there) == {"c": len(there)}


def test_an_empty_cell_that_keeps_what_is_there_is_counted(site: Site, systems: Systems):
    there = rows("ek")
    known(systems, there)
    given: Rows = [[name, "", amount] for name, _, amount in there]
    told = done(site.load_rows("JB-1", FIELDS, given)).outcomes
    assert (set(told.letters), told.blanks_kept) == ({"="}, len(there))


def test_a_step_whose_rows_are_new_asks_once(site: Site, systems: Systems):
    known(systems, [])
    for part in (rows("na"), rows("nb")):
        assert letters(site, "JB-1", part) == {"c": len(part)}
    assert len(systems.calls) == 1


def test_where_the_service_refuses_the_load_goes_on_and_asks_no_more(site: Site, systems: Systems):
    for job in ("JB-1", "JB-2"):
        assert set(letters(site, job, rows("rf"))) <= {"c", "="}
    assert len(systems.calls) == 1


def test_few_rows_and_other_modes_are_not_asked_for(site: Site, systems: Systems):
    there = rows("fw")
    known(systems, there)
    assert letters(site, "JB-1", there[:99]) == {"c": 99}
    letters(site, "JB-2", there, mode="create")
    letters(site, "JB-3", there, mode="delete")
    assert [request for _, request in systems.calls if ">PaymSched<" in request] == []


def test_another_partition_than_the_accounts_own_is_not_asked(site: Site, systems: Systems):
    known(systems, rows("pt"))
    letters(site, "JB-1", rows("pt"), partition="ext")
    assert systems.calls == []
