"""`/static/...`: style sheets and scripts. Only the files that lie there are served, to everybody, and nothing changes them."""

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from connector.errors import NotFound
from connector.web.pages import drawing

routes = APIRouter()

_KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@routes.get("/static/{digest}/{file}")
def static(digest: str, file: str) -> Response:
    """A file under the address that its content gives it. Raises NotFound."""
    kind = _served().get(file)
    if kind is None or drawing.address_of(file) != f"/static/{digest}/{file}":
        raise NotFound("there is no such file.", advice="Load the page anew.")
    content = files(__package__).joinpath("static", file).read_bytes()
    return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})


@cache
def _served() -> dict[str, str]:
    lying = (each.name for each in files(__package__).joinpath("static").iterdir())
    return {name: kind for name in lying for ending, kind in _KINDS.items() if name.endswith(ending)}
