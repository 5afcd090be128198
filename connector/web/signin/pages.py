"""Draws the sign-in pages from their one template. Everything that people gave is escaped."""

from functools import cache
from typing import Any

from jinja2 import Template
from starlette.responses import HTMLResponse

from connector.access import passwords
from connector.web.pages import drawing


@cache
def _template() -> Template:
    return drawing.environment("connector.web.signin").get_template("page.html")


def draw(title: str, *, status: int = 200, trouble: str = "", **more: Any) -> HTMLResponse:
    """A page: `form` with `next` and `provider`, or the `link` or `person` that it is about. `title` names one of the texts."""
    told = {"link": None, "form": False, "person": None, "next": "/", "provider": False} | more
    text = _template().render(
        title=drawing.texts()["signin"][title], trouble=trouble, shortest=passwords.SHORTEST, longest=passwords.LONGEST, **told
    )
    return HTMLResponse(text, status_code=status)
