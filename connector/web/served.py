"""What every route is given: the dispatcher that this API is the face of."""

from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from connector.dispatch import Dispatcher


def attach(app: FastAPI, dispatcher: Dispatcher, *, max_package_bytes: int) -> None:
    """Let the routes of this app find their dispatcher, and the size of the largest package."""
    app.state.dispatcher = dispatcher
    app.state.max_package_bytes = max_package_bytes


def serve(app: FastAPI, dispatcher: Dispatcher) -> None:
    """From now on this dispatcher is the one that the routes find: the process has taken the lead, or lost it."""
    app.state.dispatcher = dispatcher


async def _dispatcher(request: Request) -> Dispatcher:
    return cast("Dispatcher", request.app.state.dispatcher)


async def _max_package_bytes(request: Request) -> int:
    return int(request.app.state.max_package_bytes)


Served = Annotated[Dispatcher, Depends(_dispatcher)]
Ceiling = Annotated[int, Depends(_max_package_bytes)]
