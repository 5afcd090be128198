"""Traces of the dispatcher for a collector that takes OTLP over HTTP: requests of the API, planning, and what workers go on from.

Off, which it is unless an address is named, it imports nothing and costs a comparison. No row, company, message of an error or
secret is ever part of a span. A job's trace is known by its id and the moment of its submission: nothing has to remember it, and
after a restart, or at another dispatcher, what is done for the job joins it.
"""

import contextlib
import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Final

from connector.errors import Refused

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Span, Tracer

#: The header of a request, and of a message on the queue, that says which span it belongs to (W3C Trace Context).
HEADER: Final = "traceparent"
#: How long one try to reach the collector lasts, in seconds: a process that ends waits for no more than a few of them.
_TIMEOUT_S: Final = 3.0

_on: "list[Tracer]" = []  # one, or none
_wanted: ContextVar[tuple[int, int] | None] = ContextVar("wanted", default=None)


def start(url: str, *, service: str, version: str) -> Callable[[], None]:
    """Send spans to the collector at this address from now on; what is returned sends the last ones, and ends it.

    Further settings, as headers for a collector that asks for a token, are those of the OpenTelemetry SDK
    (OTEL_EXPORTER_OTLP_HEADERS ...). Raises Refused where the extra `otel` is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise Refused(
            "traces cannot be sent: OpenTelemetry is not installed.",
            advice="Install it (pip install 'rapidstart-connector[otel]'), or leave RAPIDSTART_OTLP_URL out.",
        ) from error
    resource = Resource.create({"service.name": service, "service.version": version})
    provider = TracerProvider(resource=resource, id_generator=_ids(), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _on[:] = [provider.get_tracer("connector", version)]

    def end() -> None:
        _on.clear()
        provider.shutdown()

    return end


def is_on() -> bool:
    """Whether spans go anywhere."""
    return bool(_on)


def of_job(job: str, *, submitted_at: float) -> str:
    """The span that everything done for a job is part of, as `HEADER` says it; "" while nothing is traced."""
    if not _on:
        return ""
    trace, span = _of_job(job, submitted_at)
    return f"00-{trace:032x}-{span:016x}-01"


class Traced:
    """A span for as long as the block lasts, in this thread or task. An exception that leaves it is told by its class alone.

    `parent`: a `HEADER` of whoever asked for it. `job`: the id of the job, and when it was submitted, of which it is the root.
    """

    def __init__(self, name: str, *, parent: str = "", job: tuple[str, float] | None = None, is_server: bool = False) -> None:
        self._name, self._parent, self._job, self._is_server = name, parent, job, is_server
        self._span: Span | None = None
        self._block = contextlib.ExitStack()

    def __enter__(self) -> "Traced":
        if _on:
            self._begin(_on[0])
        return self

    def _begin(self, tracer: "Tracer") -> None:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({HEADER: self._parent}) if self._parent else None
        if self._job is not None:
            context = Context()
            token = _wanted.set(_of_job(*self._job))
        kind = SpanKind.SERVER if self._is_server else SpanKind.INTERNAL
        self._span = self._block.enter_context(
            tracer.start_as_current_span(
                self._name, context=context, kind=kind, record_exception=False, set_status_on_exception=False
            )
        )
        if self._job is not None:
            _wanted.reset(token)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self.failed(kind.__name__)
        self._block.close()

    def rename(self, name: str) -> None:
        """Name it by what is known only now."""
        if self._span:
            self._span.update_name(name)

    def note(self, **said: str | int) -> None:
        """Say more of it; `_` in a name stands for a dot, `__` for itself."""
        if self._span:
            self._span.set_attributes(
                {name.replace("__", "~").replace("_", ".").replace("~", "_"): value for name, value in said.items()}
            )

    def failed(self, what: str) -> None:
        """It did not go well."""
        if self._span:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR, what)


def _of_job(job: str, submitted_at: float) -> tuple[int, int]:
    """The ids of a job's trace and of its first span: the same wherever and whenever they are asked for."""
    digest = hashlib.sha256(f"{job} {submitted_at!r}".encode()).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


def _ids() -> "IdGenerator":
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class _Ids(RandomIdGenerator):
        """Random ones, but for the span that is a job's first."""

        def generate_trace_id(self) -> int:
            wanted = _wanted.get()
            return wanted[0] if wanted else super().generate_trace_id()

        def generate_span_id(self) -> int:
            wanted = _wanted.get()
            return wanted[1] if wanted else super().generate_span_id()

    return _Ids()
