"""What every route is given: the dispatcher that this API is the face of."""

from typing import Annotated, Final, cast
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Request

from connector import api
from connector.dispatch import Dispatcher

#: Characters of a caller's name that are kept.
_LONGEST_NAME: Final = 100


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


async def _caller(request: Request) -> str:
    """Who asks: the caller's address, behind the name that it gives itself. Nobody has proved to be anybody."""
    address = request.client.host if request.client else "unknown"
    name = unquote(request.headers.get(api.USER, ""))[:_LONGEST_NAME]
    name = "".join(character for character in name if character.isprintable())
    return f"{name}@{address}" if name else address


Served = Annotated[Dispatcher, Depends(_dispatcher)]
Ceiling = Annotated[int, Depends(_max_package_bytes)]
Caller = Annotated[str, Depends(_caller)]
