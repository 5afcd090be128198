"""An import as a worker carries it out: what it tells the dispatcher, and when it stops."""

from typing import Any

import pytest

from connector.wire import dictionary
from connector.wire.dictionary import DataTable, DeclaredService, Dictionary
from connector.wire.jobs import Grant, ImportDictionary
from connector.wire.reports import BatchRef, BatchReturned, DictionaryDone, DictionarySlice, Report, Retry
from tests.aos.mono import free_port
from workers import aos, errors, importing

REF = BatchRef(job="JB-2222", step=0, batch=1)


class Teller:
    """Takes what a reporter would send; the dispatcher says no once `granted` slices were told."""

    def __init__(self, granted: int = 1000, stops: bool = False) -> None:
        self.told: list[Report] = []
        self._granted, self._stops = granted, stops

    def sender(self) -> dict[str, Any]:
        return {"endpoint": "A1", "worker": "w"}

    def tell(self, report: Report) -> None:
        self.told.append(report)

    def ask(self, question: Report, answer: type[Grant]) -> Grant:
        if self._stops:
            raise errors.Retry("the worker is stopping.", code="RSC-5490")
        self.tell(question)
        granted = len(self.told) <= self._granted
        return Grant(granted=granted, reason="" if granted else "the job was ended")


class Services:
    """A MetadataService that knows three services."""

    def names(self, of: str) -> list[str]:
        return ["S1", "S2", "S3"]

    def services(self, names: list[str]) -> list[DeclaredService]:
        return [DeclaredService(name=name) for name in names]

    def languages(self) -> list[str]:
        return ["en-us"]


def run(teller: Teller, address: str = "net.tcp://aos:8201/S", **more: Any) -> None:
    importing.run(aos.Door([address]), teller, ImportDictionary(endpoint="A1", ref=REF, addresses=(address,), **more))  # type: ignore[arg-type]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.importing.reading.metadata_service", lambda door, addresses: Services())


def test_slices_are_told_and_then_what_they_replace(services: None) -> None:
    teller = Teller()
    run(teller, services_only=True)
    told, done = teller.told
    assert isinstance(told, DictionarySlice)
    assert isinstance(done, DictionaryDone)
    assert [each.name for each in dictionary.unpack(told.content).services] == ["S1", "S2", "S3"]
    assert (told.done, told.total, told.ref) == (3, 3, REF)
    assert (done.replaced, done.reason) == (("service",), "")


def test_a_slice_that_is_too_long_is_told_in_parts(services: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_MOST_TEXT", 1)
    teller = Teller()
    run(teller, services_only=True)
    parts = [dictionary.unpack(each.content) for each in teller.told if isinstance(each, DictionarySlice)]
    assert [[one.name for one in part.services] for part in parts] == [["S1"], ["S2"], ["S3"]]


def test_a_slice_of_several_kinds_loses_nothing_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_MOST_TEXT", 1)
    whole = Dictionary(
        language="de",
        tables=tuple(DataTable(name=f"T{n}") for n in range(3)),
        services=tuple(DeclaredService(name=f"S{n}") for n in range(2)),
    )
    parts = [dictionary.unpack(each) for each in importing._packed(whole)]
    assert sorted(one.name for part in parts for one in (*part.tables, *part.services)) == ["S0", "S1", "T0", "T1", "T2"]
    assert {part.language for part in parts} == {"de"}


def test_it_goes_no_further_than_it_is_let(services: None) -> None:
    teller = Teller(granted=0)
    run(teller, services_only=True)
    _, returned = teller.told
    assert isinstance(returned, BatchReturned)
    assert (returned.retry, returned.sent) == (Retry.SOON, False)
    assert "the job was ended" in returned.reason


def test_a_worker_that_stops_gives_it_back_at_once(services: None) -> None:
    teller = Teller(stops=True)
    run(teller, services_only=True)
    (returned,) = teller.told
    assert isinstance(returned, BatchReturned)
    assert returned.retry is Retry.SOON


def test_an_aos_that_is_away_is_asked_later() -> None:
    teller = Teller()
    run(teller, f"net.tcp://127.0.0.1:{free_port()}/DynamicsAx/Services/S")
    (returned,) = teller.told
    assert isinstance(returned, BatchReturned)
    assert returned.retry is Retry.LATER


def test_what_cannot_be_is_the_end_of_it() -> None:
    teller = Teller()
    run(teller, "http://aos/MicrosoftDynamicsAXAif60/P/xppservice.svc")
    (done,) = teller.told
    assert isinstance(done, DictionaryDone)
    assert (done.code, done.replaced) == ("RSC-5934", ())
    assert "--host" in done.advice
