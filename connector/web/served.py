"""What every route is given: the dispatcher that this API is the face of."""

from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from connector.access.provider import Provider
from connector.dispatch import Dispatcher
from connector.web.throttle import Throttles


def attach(
    app: FastAPI,
    dispatcher: Dispatcher,
    *,
    max_package_bytes: int,
    public_url: str,
    provider: Provider | None = None,
    broker_url: str = "",
) -> None:
    """Let the routes of this app find their dispatcher, the size of the largest package, and by what address people come.

    `broker_url` is where machines are told that the broker is.
    """
    app.state.dispatcher = dispatcher
    app.state.max_package_bytes = max_package_bytes
    app.state.public_url = public_url.rstrip("/")
    app.state.throttles = Throttles()
    app.state.provider = provider
    app.state.broker_url = broker_url


def serve(app: FastAPI, dispatcher: Dispatcher) -> None:
    """From now on this dispatcher is the one that the routes find: the process has taken the lead, or lost it."""
    app.state.dispatcher = dispatcher


async def _dispatcher(request: Request) -> Dispatcher:
    return cast("Dispatcher", request.app.state.dispatcher)


async def _max_package_bytes(request: Request) -> int:
    return int(request.app.state.max_package_bytes)


async def _public_url(request: Request) -> str:
    return str(request.app.state.public_url)


async def _broker_url(request: Request) -> str:
    return str(request.app.state.broker_url)


async def _throttles(request: Request) -> Throttles:
    return cast("Throttles", request.app.state.throttles)


Served = Annotated[Dispatcher, Depends(_dispatcher)]
Ceiling = Annotated[int, Depends(_max_package_bytes)]
PublicUrl = Annotated[str, Depends(_public_url)]
BrokerUrl = Annotated[str, Depends(_broker_url)]
Slowed = Annotated[Throttles, Depends(_throttles)]
