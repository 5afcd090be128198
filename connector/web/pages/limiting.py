"""What an AOS bears, as a form of its page: how many calls at once, how fast, when, and how long a call shall take."""

from typing import Annotated, Any, Final

from fastapi import Form
from starlette.responses import Response

from connector import api
from connector.errors import Refused
from connector.web import endpoints
from connector.web.pages import drawing, page
from connector.web.served import Served
from connector.web.who import Administrator

routes = page.router()

_SECONDS: Final = r"^([0-9]{1,4}(\.[0-9]{1,3})?)?$"


@routes.post("/deployments/{name}/workers/limits")
def limit(
    name: str,
    dispatcher: Served,
    asking: Administrator,
    concurrency: Annotated[str, Form(pattern="^([1-9][0-9]{0,3})?$")] = "",
    rows_per_second: Annotated[str, Form(pattern=r"^([0-9]{1,9}(\.[0-9]{1,6})?)?$")] = "",
    hours: Annotated[str, Form(max_length=1000)] = "",
    shortest: Annotated[str, Form(pattern=_SECONDS)] = "",
    longest: Annotated[str, Form(pattern=_SECONDS)] = "",
) -> Response:
    """Set what the endpoint bears; what is left empty is not limited."""
    if bool(shortest) != bool(longest):
        raise Refused("how long a call shall take has two ends.", advice="Give the shortest and the longest, or neither.")
    wanted = endpoints.Limits(
        concurrency=int(concurrency) if concurrency else None,
        rows_per_second=float(rows_per_second) if rows_per_second else None,
        hours=hours.strip(),
        call_seconds=(float(shortest), float(longest)) if shortest else None,
    )
    endpoints.limit(name, wanted, dispatcher, asking)
    return page.go(f"/deployments/{name}")


def commands(endpoint: api.Endpoint) -> dict[str, Any]:
    """The commands that say what is set now."""
    limits, wish, name = endpoint["limits"], endpoint["scale"], endpoint["name"]
    seconds = "{:g}-{:g}".format(*limits["call_seconds"]) if limits["call_seconds"] else ""
    rate = f"{limits['rows_per_second']:g}" if limits["rows_per_second"] else ""
    bears = _options(concurrency=limits["concurrency"], rows_per_second=rate, hours=limits["hours"], call_seconds=seconds)
    told = _options(workers=wish["workers"], concurrency=wish["concurrency"])
    return {
        "limit_command": f"rapidstart endpoint limit {name} --clear{bears}",
        "scale_command": f"rapidstart endpoint scale {name}{told or ' --unset'}",
    }


def _options(**values: Any) -> str:
    """Options as they are typed; what is not set is left out."""
    told = {name: value for name, value in values.items() if value not in (None, "")}
    return "".join(f" --{name.replace('_', '-')} {drawing.typed(str(value), 'TEXT')}" for name, value in told.items())
