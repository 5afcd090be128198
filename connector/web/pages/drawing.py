"""Draws pages from their templates. Everything that people or packages gave is escaped; every text stands in `texts.toml`."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from connector.access.principal import Principal
from connector.rights import Role

#: Pico draws its signs from images that stand in its own style sheet; nothing else differs from what every answer says.
_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)

#: Parts that change by themselves: asked for by one of these ids, a page is drawn without all that stands around it.
_PARTS: Final = frozenset({"live", "browser", "rows"})

#: What no shell, of Windows or Linux, takes for anything but text where it stands in quotes; and it is no option.
_TYPEABLE: Final = re.compile(r"[\w.][\w .,:;()+@=/-]*")

#: Outcomes in the order in which bars stack them and tables tell them.
OUTCOMES: Final = ("created", "updated", "unchanged", "deleted", "handed_over", "skipped", "unknown", "failed")


def draw(template: str, request: Request, asking: Principal, *, status: int = 200, beside: str = "", **told: Any) -> HTMLResponse:
    """A page, or the part of it that is asked for, of a template that may lie `beside` the modules of a package.

    `told` is what the template speaks of: a missing name is an error.
    """
    found = environment(beside).get_template(template)
    part = asked_for(request)
    part = part if part in found.blocks else ""
    always = {
        "frame": "part.html" if part else "frame.html",
        "part": part,
        "asking": asking,
        "operates": asking.may(Role.OPERATOR),
        "administers": asking.may(Role.ADMINISTRATOR),
        "path": request.url.path,
        "origin": f"{request.url.scheme}://{request.url.netloc}",
        "now": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "flower": request.app.state.flower_url,
        "link": _Link(request),
    }
    text = found.render(**always, **told)
    return HTMLResponse(text, status_code=status, headers={"Content-Security-Policy": _POLICY})


def asked_for(request: Request) -> str:
    """The part that a browser asks for to put in its place, as HTMX says it; "" for the page as a whole."""
    wanted = request.headers.get("HX-Target", "")
    return wanted if wanted in _PARTS else ""


class _Link:
    """The address of the page that is drawn, with some of its parameters changed; what is empty is left out."""

    def __init__(self, request: Request) -> None:
        self._path, self._asked = request.url.path, dict(request.query_params)

    def __call__(self, **changed: object) -> str:
        told = self._asked | {name: "" if value is None else str(value) for name, value in changed.items()}
        query = urlencode({name: value for name, value in told.items() if value})
        return f"{self._path}?{query}" if query else self._path


@cache
def texts() -> Mapping[str, Any]:
    """Every text of the pages, by page."""
    return tomllib.loads(files(__package__).joinpath("texts.toml").read_text(encoding="utf-8"))


@cache
def address_of(file: str) -> str:
    """Where a static file is found; the address changes with its content, so that browsers may keep it."""
    digest = hashlib.sha256(files(__package__).joinpath("static", file).read_bytes()).hexdigest()
    return f"/static/{digest[:12]}/{file}"


@cache
def environment(package: str = "") -> Environment:
    """What templates are read with: the pages', and those that lie beside the modules of another package."""
    beside = [PackageLoader(package, ".")] if package else []
    made = Environment(
        loader=ChoiceLoader([*beside, PackageLoader("connector.web.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"t": texts(), "static": address_of, "outcomes": OUTCOMES}
    made.filters |= {
        "number": number,
        "moment": moment,
        "span": span,
        "words": words,
        "share": share,
        "because": because,
        "clock": clock,
        "typed": typed,
    }
    return made


def number(value: float | None) -> str:
    """A number that the viewer's browser writes as they are used to."""
    if value is None:
        return "–"
    return Markup('<data value="{}">{}</data>').format(value, f"{value:,.0f}" if value == int(value) else f"{value:,.1f}")


def moment(at: str | None) -> str:
    """A moment (RFC 3339) that the viewer's browser tells in its own zone."""
    if not at:
        return "–"
    return Markup('<time datetime="{}">{} UTC</time>').format(at, at[:16].replace("T", " "))


def clock(at: float | None) -> str:
    """A moment of the ledger, as `moment`."""
    return moment(None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))


def span(seconds: float | None) -> str:
    """A length of time, as `41 s`, `3:07 min`, `2:05 h`, `3 d`."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h" if whole < 172_800 else f"{whole // 86_400} d"


def words(state: str) -> str:
    """A state, an outcome, a kind of job or a role, as people read it."""
    return str(texts()["words"].get(state, state.replace("_", " ")))


def typed(argument: str, otherwise: str = "FILE") -> str:
    """An argument of a command that is shown, as every shell reads it; what one might take for more is left to who types it."""
    if not _TYPEABLE.fullmatch(argument):
        return otherwise
    return f'"{argument}"' if re.search(r"[^\w.:-]", argument) else argument


def because(reason: str, state: str) -> str:
    """Why a job is in a state, without the state, which stands beside it."""
    return reason.removeprefix(f"{state.replace('_', ' ')}: ")


def share(part: float, whole: float) -> str:
    """A part of a bar that is 1000 wide."""
    return f"{1000 * part / whole:.2f}" if whole else "0"
