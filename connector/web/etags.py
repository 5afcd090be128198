"""ETags: who has an object already is told so, and who changes one may say which one they saw.

A tag is made of what the object says, so that it is the same at each dispatcher and after each restart. That of an endpoint has
two parts, what can be set of it and the rest: a change is held against the first alone, for workers are seen every few seconds.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Request, Response

from connector import api
from connector.errors import Conflict

IfNoneMatch = Annotated[str | None, Header(description="ETags of what is known already.", max_length=1000)]
IfMatch = Annotated[str | None, Header(description="The ETag of the endpoint that the change is meant for.", max_length=1000)]

#: What can be set of an endpoint.
_SETTINGS: Final = (
    "addresses", "companies", "partition", "contract", "limits", "database", "scope", "virtual_companies", "service_instance",
    "scale", "fingerprint", "not_idempotent",
)  # fmt: skip


class _Unchanged(Exception):
    """The object is the one that is known."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


class _AnotherByNow(Conflict):
    """Somebody else has changed the object since it was read."""

    status = 412


def install(app: FastAPI) -> None:
    """Answer 304 where the object is the one that is known."""
    app.add_exception_handler(_Unchanged, _not_modified)


def of_job(job: api.Job) -> str:
    """The tag of a job."""
    return f'"{_digest(job)}"'


def of_endpoint(endpoint: api.Endpoint) -> str:
    """The tag of an endpoint."""
    settings = {name: value for name, value in endpoint.items() if name in _SETTINGS}
    return f'"{_digest(settings)}.{_digest(endpoint)}"'


def tell(response: Response, tag: str, *, known: str | None) -> None:
    """Put the tag on the answer; where it is `known`, nothing but 304 is answered."""
    if known and tag in _tags(known):
        raise _Unchanged(tag)
    response.headers["ETag"] = tag


def check(wanted: str | None, endpoint: api.Endpoint) -> None:
    """Raises Conflict (412) where the change is meant for an endpoint with other settings than it has now."""
    if not wanted or wanted.strip() == "*":
        return
    now = of_endpoint(endpoint).partition(".")[0]
    if all(tag.partition(".")[0] != now for tag in _tags(wanted)):
        raise _AnotherByNow(
            f"{endpoint['name']} was changed since it was read.", advice="Read it anew, and look what is left to do."
        )


def _tags(header: str) -> Collection[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _digest(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:20]


def _not_modified(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Unchanged)  # noqa: S101 starlette's handlers are typed for any exception
    return Response(status_code=304, headers={"ETag": error.tag})
