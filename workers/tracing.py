"""Traces of a worker for a collector that takes OTLP over HTTP: each batch that is carried out, and each call to the AOS.

Off, which it is unless an address is named, it imports nothing and costs a comparison. No row, company, message of an error or
secret is ever part of a span. A batch joins the trace that its message names beside its sealed body: nobody proves that
header, and nothing is decided by it.
"""

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final

from workers.errors import GiveUp

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

#: The header of a message that says which span it belongs to (W3C Trace Context).
HEADER: Final = "traceparent"
#: How long one try to reach the collector lasts, in seconds: a process that ends waits for no more than a few of them.
_TIMEOUT_S: Final = 3.0

_on: "list[Tracer]" = []  # one, or none


def start(url: str, *, endpoint: str, version: str) -> Callable[[], None]:
    """Send spans to the collector at this address from now on; what is returned sends the last ones, and ends it.

    Further settings are those of the OpenTelemetry SDK (OTEL_EXPORTER_OTLP_HEADERS ...). Raises GiveUp where the extra `otel` is
    not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise GiveUp(
            "traces cannot be sent: OpenTelemetry is not installed.",
            advice="Install it (pip install 'rapidstart-connector[otel]'), or leave RAPIDSTART_OTLP_URL out.",
        ) from error
    told = {"service.name": "rapidstart-worker", "service.version": version, "rapidstart.endpoint": endpoint}
    provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _on[:] = [provider.get_tracer("workers", version)]

    def end() -> None:
        _on.clear()
        provider.shutdown()

    return end


class Traced:
    """A span for as long as the block lasts, in this thread. An exception that leaves it is told by its class alone.

    `parent`: the `HEADER` of the message that ordered it. `to_aos`: it is a call to the AOS.
    """

    def __init__(self, name: str, *, parent: object = "", to_aos: bool = False, **said: str) -> None:
        """`_` in a name of what is said stands for a dot."""
        self._name, self._parent, self._to_aos, self._said = name, parent, to_aos, said
        self._span: Span | None = None
        self._block = contextlib.ExitStack()

    def __enter__(self) -> "Traced":
        if _on:
            self._begin(_on[0])
        return self

    def _begin(self, tracer: "Tracer") -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = self._parent if isinstance(self._parent, str) else ""
        context = TraceContextTextMapPropagator().extract({HEADER: parent}) if parent else None
        self._span = self._block.enter_context(
            tracer.start_as_current_span(
                self._name,
                context=context,
                kind=SpanKind.CLIENT if self._to_aos else SpanKind.CONSUMER,
                attributes={name.replace("_", "."): value for name, value in self._said.items()},
                record_exception=False,
                set_status_on_exception=False,
            )
        )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self.failed(kind.__name__)
        self._block.close()

    def failed(self, what: str) -> None:
        """It did not go well."""
        if self._span:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR, what)
