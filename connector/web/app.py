"""Puts the API together: routers, problems, the pages to sign in, and what guards them all."""

from typing import Final

from fastapi import FastAPI

from connector import __version__, api
from connector.access.provider import Provider
from connector.dispatch import Dispatcher
from connector.web import (
    access,
    activation,
    audit,
    charts,
    dictionaries,
    endpoints,
    etags,
    events,
    headers,
    health,
    jobs,
    ledger,
    metrics,
    origin,
    packages,
    pages,
    problems,
    report,
    served,
    signin,
    traced,
    who,
)
from connector.web.declared import DeclaringApi
from connector.web.reasons import Reasons

#: Bodies are read before anybody is asked who sends them. The largest is an endpoint's contract; packages are streamed.
_LARGEST_BODY: Final = 32_000_000


def create(
    dispatcher: Dispatcher,
    *,
    max_package_bytes: int = 2_048_000_000,
    public_url: str = "http://127.0.0.1:8480",
    provider: Provider | None = None,
    broker_url: str = "",
    flower_url: str = "",
) -> FastAPI:
    """The dispatcher's HTTP API. OpenAPI is at `/api/v1/openapi.json`; no page is served that loads from elsewhere.

    People come by `public_url`, also by links that are made for them; by `flower_url`, where it is
    given, pages link to Flower. Raises RuntimeError for a route that does not say whom
    it is for.
    """
    app = DeclaringApi(
        title="RapidStart Connector",
        version=__version__,
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        max_body_size=_LARGEST_BODY,
        responses=problems.RESPONSES,
    )
    served.attach(
        app, dispatcher, max_package_bytes=max_package_bytes, public_url=public_url, provider=provider, broker_url=broker_url
    )
    app.state.flower_url = flower_url.rstrip("/")
    app.state.reasons = Reasons()
    app.include_router(packages.routes, prefix=api.PREFIX, tags=["packages"])
    app.include_router(charts.routes, prefix=api.PREFIX, tags=["charts"])
    events.attach(app)
    app.include_router(events.routes, prefix=api.PREFIX, tags=["events"])
    app.include_router(jobs.routes, prefix=api.PREFIX, tags=["jobs"])
    app.include_router(report.routes, prefix=api.PREFIX, tags=["jobs"])
    app.include_router(endpoints.routes, prefix=api.PREFIX, tags=["endpoints"])
    app.include_router(dictionaries.routes, prefix=api.PREFIX, tags=["endpoints"])
    app.include_router(audit.routes, prefix=api.PREFIX, tags=["audit"])
    app.include_router(ledger.routes, prefix=api.PREFIX, tags=["ledger"])
    app.include_router(access.routes, prefix=api.PREFIX, tags=["access"])
    app.include_router(activation.device, prefix=api.PREFIX, tags=["registration"])
    app.include_router(activation.machines, prefix=api.PREFIX, tags=["registration"])
    app.include_router(activation.pages)
    app.include_router(pages.routes)
    app.include_router(signin.plain)
    app.include_router(signin.oidc)
    app.include_router(health.routes, tags=["health"])
    app.include_router(metrics.routes, tags=["health"])
    problems.install(app)
    etags.install(app)
    who.roles(app)
    app.add_middleware(origin.SameOrigin)
    app.add_middleware(headers.SecurityHeaders)
    app.add_middleware(traced.TracedRequests)
    return app
