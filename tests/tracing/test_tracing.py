"""Traces are off unless a collector is named; a collector that is away holds nothing up; what is off costs no import."""

import subprocess
import sys
import time

import pytest

from connector import tracing
from connector.errors import Refused
from workers import tracing as beside_the_aos
from workers.errors import GiveUp

NOBODY = "http://127.0.0.1:1"


@pytest.mark.parametrize("module", ["connector.web, connector.dispatch, connector.tracing", "workers.tasks, workers.tracing"])
def test_off_nothing_is_imported(module):
    heavy = "('opentelemetry.exporter', 'google.protobuf')"  # redis itself imports the SDK's meters, where it is installed
    code = f"import sys, {module}; sys.exit(any(name.startswith({heavy}) for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_off_a_block_runs_and_nothing_is_told():
    with tracing.Traced("plan a job", job=("JB-1", 1.0)) as span:
        span.note(rapidstart_job="JB-1")
    with beside_the_aos.Traced("load.tables", parent="x"):
        pass
    assert (tracing.is_on(), tracing.of_job("JB-1", submitted_at=1.0)) == (False, "")


@pytest.mark.parametrize(("start", "refused"), [
    (lambda: tracing.start(NOBODY, service="s", version="1"), Refused),
    (lambda: beside_the_aos.start(NOBODY, endpoint="A1", version="1"), GiveUp),
])  # fmt: skip
def test_without_the_extra_it_says_what_to_install(monkeypatch, start, refused):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(refused) as told:
        start()
    assert "rapidstart-connector[otel]" in told.value.advice


@pytest.fixture
def on():
    """Traces are sent to a collector that is away."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")
    ends = tracing.start(NOBODY, service="s", version="1"), beside_the_aos.start(NOBODY, endpoint="A1", version="1")
    yield
    for end in ends:
        end()


def test_a_collector_that_is_away_holds_up_neither_work_nor_end(on):
    started = time.monotonic()
    with tracing.Traced("plan a job", job=("JB-1", 1.0)), beside_the_aos.Traced("load.tables"):
        pass
    assert time.monotonic() - started < 2


def test_a_jobs_trace_is_known_by_its_id_and_moment(on):
    mine = tracing.of_job("JB-1", submitted_at=1700000000.125)
    assert mine == tracing.of_job("JB-1", submitted_at=1700000000.125)
    assert mine.split("-")[0::3] == ["00", "01"]
    assert [len(part) for part in mine.split("-")] == [2, 32, 16, 2]
    others = {tracing.of_job("JB-2", submitted_at=1700000000.125), tracing.of_job("JB-1", submitted_at=1700000001.0)}
    assert mine not in others


@pytest.mark.parametrize("parent", [None, "", "x", "00-0-0-01", "00-" + 32 * "0" + "-" + 16 * "0" + "-01", 7, ["00"], "ff" * 500])
def test_a_header_that_means_nothing_begins_a_trace_of_its_own(on, parent):
    with beside_the_aos.Traced("load.tables", parent=parent) as traced:
        assert traced._span.parent is None
        assert traced._span.get_span_context().is_valid


def test_an_exception_is_told_by_its_class_alone(on):
    with pytest.raises(GiveUp), beside_the_aos.Traced("AOS create", to_aos=True) as traced:
        raise GiveUp("the row 'Zanzibar' is refused.")
    assert traced._span.status.description == "GiveUp"
    assert list(traced._span.events) == []
