"""What OpenAPI says of problems: each operation names every status that it refuses with, with the codes and what they mean."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI

from connector import api, errors
from connector.web import who

_WRITING: Final = frozenset({"post", "put", "patch", "delete"})
#: Statuses that are answered before any error of ours comes up, or by one that has no code of its own.
_PLAIN: Final = {
    400: "The request cannot be read, or could not be repeated without harm.",
    412: "Somebody else has changed it since it was read.",
    413: "The body is too large; it was not read.",
}
#: What any operation can answer where it knows who asks: nobody does, not this one, not so often, not now.
_OF_ALL: Final = (422, 429, 503)


class DeclaringApi(FastAPI):
    """An app whose document declares its problems."""

    def openapi(self) -> dict[str, Any]:
        """The document of the API."""
        document = super().openapi()
        if "responses" not in document["components"]:  # FastAPI keeps the document: it is declared in once
            document["components"]["responses"] = {_name(status): told for status, told in _responses().items()}
            needed = {(path, method.lower()): role for (method, path), role in who.roles(self).items()}
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    if path.startswith(api.PREFIX):
                        statuses = _statuses(path, method, operation, is_open=needed[path, method] is None)
                        _declare(operation, statuses)
        return document


def _statuses(path: str, method: str, operation: Mapping[str, Any], *, is_open: bool) -> Iterator[int]:
    """With what an operation can refuse, by what it is."""
    yield from _OF_ALL
    if not is_open or method in _WRITING:  # some that are open ask for a secret of another kind
        yield from (401, 403)
    if "{" in path or method in _WRITING:  # what a body names may be missing, too
        yield 404
    if method in _WRITING:
        yield 409
    if "requestBody" in operation or path.endswith("/packages"):
        yield from (400, 413)
    if any(parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", ())):
        yield 412


def _declare(operation: dict[str, Any], statuses: Iterator[int]) -> None:
    """What an operation says itself of a status stays."""
    answers = operation["responses"]
    for status in sorted(statuses):
        if status == 422 or str(status) not in answers:
            answers[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    operation["responses"] = dict(sorted(answers.items()))


def _responses() -> dict[int, dict[str, Any]]:
    """By status: the codes of the problems that have it, and what they mean."""
    told: dict[int, list[str]] = {status: [sentence] for status, sentence in _PLAIN.items()}
    for error in _every(errors.RapidStartError):
        if error.__module__ == errors.__name__:
            told.setdefault(error.status, []).append(f"{error.code}: {(error.__doc__ or '').strip()}")
    content = {api.PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "\n\n".join(sentences), "content": content} for status, sentences in sorted(told.items())}


def _every(kind: type[errors.RapidStartError]) -> Iterator[type[errors.RapidStartError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _every(each)


def _name(status: int) -> str:
    return f"Problem{status}"
