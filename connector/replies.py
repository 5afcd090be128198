"""What a dispatcher replied, as errors, files and events: no exception of the HTTP library leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from connector import api, errors

_BY_CODE: Final = {
    error.code: error
    for error in (
        errors.RapidStartError,
        errors.Refused,
        errors.PackageRefused,
        errors.PlanRefused,
        errors.NotFound,
        errors.Conflict,
        errors.NotSignedIn,
        errors.NotAllowed,
        errors.TooOften,
        errors.NotReachable,
    )
}
_BY_STATUS: Final[dict[int, type[errors.RapidStartError]]] = {
    404: errors.NotFound,
    409: errors.Conflict,
    502: errors.NotReachable,
    503: errors.NotReachable,
    504: errors.NotReachable,
}


@contextmanager
def translated(url: str) -> Iterator[None]:
    """No exception of the library leaves this block: NotReachable does."""
    try:
        yield
    except requests.exceptions.Timeout as error:
        raise errors.NotReachable(f"the dispatcher at {url} did not answer in time.", advice="Try again.") from error
    except requests.exceptions.InvalidURL as error:
        raise wrong_url(url) from error
    except (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema) as error:
        raise wrong_url(url) from error
    except requests.exceptions.SSLError as error:
        raise errors.NotReachable(
            f"the certificate of the dispatcher at {url} is not accepted.",
            advice="Name the authority that gave it: RAPIDSTART_CA_FILE.",
        ) from error
    except requests.exceptions.RequestException as error:
        raise errors.NotReachable(
            f"the dispatcher at {url} does not answer.",
            advice="Start it (rapidstart dispatcher), or say where it is with RAPIDSTART_API_URL.",
        ) from error


def wrong_url(url: str) -> errors.NotReachable:
    """This is no address that can be asked."""
    return errors.NotReachable(f"{url} is not an HTTP address.", advice="Set RAPIDSTART_API_URL, as http://127.0.0.1:8480.")


def stranger(url: str) -> errors.NotReachable:
    """Something else than a dispatcher replied."""
    return errors.NotReachable(f"what answers at {url} is not a dispatcher.", advice="Check RAPIDSTART_API_URL.")


def problem(answer: requests.Response, url: str) -> errors.RapidStartError:
    """The error that a reply tells of, as it was at the dispatcher."""
    if answer.status_code == requests.codes.request_entity_too_large:  # said before anybody reads it
        return errors.Refused("the dispatcher does not take so much at once.", advice="Send less, or divide it.")
    if api.PROBLEM not in answer.headers.get("Content-Type", ""):
        return stranger(url)
    problem = answer.json()
    kind = _BY_CODE.get(problem.get("code", "")) or _BY_STATUS.get(answer.status_code, errors.Refused)
    place = problem.get("place") or {}
    known = {name: place.get(name) for name in ("file", "sheet", "row", "field")}
    values = [each.get("value") for each in problem.get("errors") or ()]
    return kind(
        str(problem.get("detail", "")),
        advice=str(problem.get("advice", "")),
        place=errors.Place(**known),
        value=values[0] if len(values) == 1 else None,
    )


def write(answer: requests.Response, path: Path, *, url: str) -> None:
    """Whole or not at all: what was there before stays until the new file is complete."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file, translated(url):
            for chunk in answer.iter_content(65536):
                file.write(chunk)
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # named as it was asked for
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One server-sent event; `id` is that of the last one that had one, "" a comment's name."""

    name: str
    data: str
    id: str | None


def events(answer: requests.Response, *, url: str) -> Iterator[Event]:
    """The events of a reply, as they come, until it ends. Raises NotReachable where it breaks off."""
    name, data, last = "", "", None
    with translated(url):
        for raw in answer.iter_lines(chunk_size=1):
            word, _, value = raw.decode("utf-8").partition(": ")
            if word == "event":
                name = value
            elif word == "data":
                data = value
            elif word == "id":
                last = value
            elif not word and (name or last):
                yield Event(name=name, data=data, id=last)
                name, data = "", ""
