"""Rows whose outcome nobody could prove, settled by a form of the results page."""

from typing import Annotated, Literal

from fastapi import Form
from pydantic import ValidationError
from starlette.responses import Response

from connector.errors import Refused
from connector.web import jobs as steering
from connector.web.pages import page
from connector.web.served import Served
from connector.web.who import Operator

routes = page.router()


@routes.post("/jobs/{job_id}/results/settle")
def settle(
    job_id: str,
    dispatcher: Served,
    asking: Operator,
    way: Annotated[Literal["lookup", "retry", "done", "skip"], Form()],
    meant: Annotated[Literal["all", "ticked"], Form()],
    row: Annotated[tuple[str, ...], Form()] = (),
) -> Response:
    """Settle the rows that are ticked, or all; to look up or to load them is a job of its own."""
    places = [] if meant == "all" else [_place(each) for each in row]
    if meant == "ticked" and not places:
        raise Refused("no row is ticked.", advice="Tick rows in the list below, or settle all of them.")
    wanted = steering.NewResolution.model_validate({"as": way, "rows": places, "all": meant == "all"})
    made = steering.resolve(job_id, wanted, dispatcher, asking)["made"]
    return page.go(f"/jobs/{made['id']}" if made else f"/jobs/{job_id}/results")


def _place(text: str) -> steering.RowPlace:
    try:
        return steering.RowPlace.model_validate_json(text)
    except ValidationError as error:
        raise Refused("a row that is ticked cannot be read.", advice="Load the page anew, and tick it there.") from error
