"""A span for each request of the API, where traces are sent: by its route, never by what stands in its address or body."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector import api, tracing

_HEADER: Final = tracing.HEADER.encode()


class TracedRequests:
    """Live events are left out: they last for as long as somebody watches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and watch its answer begin."""
        is_asked = scope["type"] == "http" and scope["path"].startswith(api.PREFIX) and not scope["path"].endswith("/events")
        if not is_asked or not tracing.is_on():
            await self._app(scope, receive, send)
            return
        method, parent = scope["method"], dict(scope["headers"]).get(_HEADER, b"").decode("latin-1")
        with tracing.Traced(method, parent=parent, is_server=True) as span:

            async def tell(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.note(http_response_status__code=message["status"])
                    if message["status"] >= 500:
                        span.failed(str(message["status"]))
                await send(message)

            try:
                await self._app(scope, receive, tell)
            finally:
                _describe(span, scope)


def _describe(span: tracing.Traced, scope: Scope) -> None:
    """What is known of a request once it has found its route."""
    path = getattr(scope.get("route"), "path", None)  # as its router has it: without the prefix
    if path is None:
        return
    route = f"{api.PREFIX}{path.removeprefix(api.PREFIX)}"
    span.rename(f"{scope['method']} {route}")
    span.note(http_request_method=scope["method"], http_route=route)
    if job := scope.get("path_params", {}).get("job_id"):
        span.note(rapidstart_job=str(job))
