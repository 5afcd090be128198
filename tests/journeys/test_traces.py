"""Where a collector is named, a load is one trace: planning, its batches beside the AOS, and each call; and no row is in it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.journeys.driving import COMPANY, Site, eventually, write_csv

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SECRET = "Zanzibar Wholesale"


class Collector:
    """Takes spans as a collector does: OTLP, protobuf over HTTP."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_understood = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
                if is_understood:
                    collector.bodies.append(body)
                self.send_response(200 if is_understood else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[dict[str, Any]]:
        """What came so far: of which process, what, in which trace, below what, with which words."""
        return [span for body in list(self.bodies) for span in _read(body)]


def _read(body: bytes) -> Iterator[dict[str, Any]]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                words = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
                yield {
                    "service": service,
                    "name": span.name,
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "words": words,
                    "is_error": span.status.code == 2,
                }


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_a_load_is_one_trace(site: Site, collector: Collector, tmp_path: Path) -> None:
    site.extra |= {"RAPIDSTART_OTLP_URL": collector.url, "RAPIDSTART_BATCH_ROWS": "2", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    rows = [["10", SECRET], ["20", "B"], ["30", "C"]]
    package = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], rows)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", package, "--key", "CustGroup=CustGroup")
    site.start_worker("A1")
    job = str(site.json("load", package, "--endpoint", "A1", "--company", COMPANY, "--watch")["id"])
    asking = "11112222333344445555666677778888"
    headers = {"traceparent": f"00-{asking}-1111222233334444-01", "Authorization": f"Bearer {site.token}"}
    assert requests.get(f"{site.api_url}/api/v1/jobs/{job}", headers=headers, timeout=10).ok

    def batches() -> list[dict[str, Any]]:
        return [each for each in collector.spans() if str(each["words"].get("rapidstart.batch", "")).startswith(f"{job}.1.")]

    eventually(lambda: len(batches()) == 2, what="the spans of both batches")
    eventually(lambda: [each for each in collector.spans() if each["name"] == "plan a job"], what="the span of planning")
    eventually(lambda: [each for each in collector.spans() if each["trace"] == asking], what="the span of the request")
    found = collector.spans()
    (planning,) = [each for each in found if each["name"] == "plan a job" and each["words"]["rapidstart.job"] == job]
    assert (planning["service"], planning["parent"]) == ("rapidstart-dispatcher", "")
    for batch in batches():
        assert (batch["service"], batch["name"], batch["trace"], batch["parent"]) == (
            "rapidstart-worker", "load.tables", planning["trace"], planning["id"],
        )  # fmt: skip
        calls = [each for each in found if each["parent"] == batch["id"]]
        assert "AOS create" in {each["name"] for each in calls}
        assert {each["trace"] for each in calls} == {planning["trace"]}
        assert not any(each["is_error"] for each in calls)
    (request,) = [each for each in found if each["trace"] == asking]
    assert (request["name"], request["parent"]) == ("GET /api/v1/jobs/{job_id}", "1111222233334444")
    assert request["words"]["http.response.status_code"] == 200
    assert "POST /api/v1/jobs" in {each["name"] for each in found}
    said = b"".join(collector.bodies)
    for word in (SECRET, COMPANY, site.token):
        assert word.encode() not in said
