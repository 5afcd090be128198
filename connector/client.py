"""The HTTP API as a Python object: what the CLI and the demo use, and any other program may.

Every problem that the dispatcher answers with comes out as the error it was there; no `requests` exception leaves.
"""

import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote, urlsplit

import requests
from pydantic import TypeAdapter, ValidationError

from connector import __version__, api, errors, live, received, replies, rights

T = TypeVar("T")

#: Pauses before a submission whose answer was lost is repeated, in seconds. Its key makes the repetition harmless.
_SUBMIT_PAUSES: Final = (0.2, 1.0, 3.0)

#: Live events: a connection without a sign of life is given up after so many seconds, and made anew after a pause, for as long.
_SILENT_S: Final = 40.0
_COME_AGAIN_S: Final = 0.5
_PATIENCE_S: Final = 60.0


class _Bearer(requests.auth.AuthBase):
    """Shows the token to the dispatcher. A login that `.netrc` holds for the host is not sent in its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Client:
    """The dispatcher's API. Every method raises RapidStartError: NotReachable, NotFound, Conflict, Refused ..."""

    def __init__(self, url: str, *, timeout_s: float = 60.0, token: str = "", ca_file: Path | None = None) -> None:
        """`url` is RAPIDSTART_API_URL, as http://127.0.0.1:8480; `token` proves who asks. Nothing is contacted yet.

        A certificate of the dispatcher is checked against the authority in `ca_file`, or against the usual ones.
        """
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._verify = str(ca_file) if ca_file else None  # told with each request: a session's goes behind the environment's
        # A proxy that the environment names does not lead to this computer.
        self._session.trust_env = urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}

    def close(self) -> None:
        """End the connection."""
        self._session.close()

    # --- packages

    def package(self, sha256: str) -> api.Package | None:
        """What the dispatcher knows of a package; None where it was never received."""
        try:
            return self._json(api.Package, "GET", f"/packages/{sha256}")
        except errors.NotFound:
            return None

    def packages(self) -> Iterator[received.PackageLine]:
        """The packages that the dispatcher keeps, those that were received last first."""
        yield from self.pages("/packages", received.PackagePage, page=1000)

    def upload(self, path: Path, *, name: str) -> api.Package:
        """Stream a file to the dispatcher, which checks it whole."""
        with path.open("rb") as body:
            headers = {"Content-Type": "application/octet-stream"}
            return self._json(api.Package, "POST", "/packages", params={"name": name}, data=body, headers=headers, timeout=None)

    def inspect(self, sha256: str, *, endpoint: str | None = None, **options: Any) -> dict[str, Any]:
        """Every match, guess and reason that a load into the endpoint would be planned with."""
        body = {"endpoint": endpoint} | {name: value for name, value in options.items() if value is not None}
        return self._json(dict[str, Any], "POST", f"/packages/{sha256}/inspect", json=body, timeout=None)

    # --- jobs

    def submit(self, *, idempotency_key: str, **order: Any) -> api.Job:
        """Submit a load: `endpoint`, `company`, `package` and what else `POST /jobs` takes.

        A lost answer is asked for again under the same key: one job comes of it.
        """
        body = {name: value for name, value in order.items() if value is not None}
        headers = {api.IDEMPOTENCY_KEY: idempotency_key}
        for pause in _SUBMIT_PAUSES:
            try:
                return self._json(api.Job, "POST", "/jobs", json=body, headers=headers)
            except errors.NotReachable:
                time.sleep(pause)
        return self._json(api.Job, "POST", "/jobs", json=body, headers=headers)

    def job(self, job_id: str) -> api.Job:
        """One job with its steps."""
        return self._json(api.Job, "GET", f"/jobs/{quote(job_id, safe='')}")

    def jobs(self, *, limit: int = 50, **wanted: str | None) -> list[api.Job]:
        """The newest jobs, without their steps: those of a `state`, `endpoint`, `company`, submitted `since` or `until`."""
        params = {"limit": limit} | {name: value for name, value in wanted.items() if value is not None}
        return self._json(api.JobPage, "GET", "/jobs", params=params)["items"]

    def follow(self, job_id: str) -> Iterator[live.JobEvent]:
        """A job as it is now, and then as it changes, at most a few times a second, until it has ended.

        A connection that broke is taken up where it was. Raises NotReachable once the dispatcher was silent for a minute.
        """
        last, heard = None, time.monotonic()
        while True:
            try:
                for event in self._events(f"/jobs/{quote(job_id, safe='')}/events", after=last):
                    last, heard = event.id or last, time.monotonic()
                    if event.name == "job":
                        yield json.loads(event.data)
                    elif event.name == "end":
                        return
            except errors.NotReachable:
                if last is None or time.monotonic() - heard > _PATIENCE_S:
                    raise
            time.sleep(_COME_AGAIN_S)

    def cancel(self, job_id: str) -> api.Job:
        """End a job: what was not sent is skipped, a call in hand is finished."""
        return self._order_job(job_id, "cancel")

    def pause(self, job_id: str) -> api.Job:
        """Hold a job back; a call in hand is finished."""
        return self._order_job(job_id, "pause")

    def resume(self, job_id: str) -> api.Job:
        """Let a paused job go on."""
        return self._order_job(job_id, "resume")

    def prioritise(self, job_id: str, *, priority: str) -> api.Job:
        """Let a job go before others of its endpoint (high), or behind them (low)."""
        return self._json(api.Job, "POST", f"/jobs/{quote(job_id, safe='')}/priority", json={"priority": priority})

    def retry(self, job_id: str, *, rows: str = "failed") -> api.Job:
        """The job that takes up rows of an ended load: failed (with those skipped), skipped, unknown, or all-not-in."""
        return self._json(api.Job, "POST", f"/jobs/{quote(job_id, safe='')}/retry", json={"rows": rows})

    def reload(self, job_id: str, *, package: str) -> api.Job:
        """The job that takes up rows of an ended load as a workbook has them corrected, which was uploaded."""
        return self._json(api.Job, "POST", f"/jobs/{quote(job_id, safe='')}/retry", json={"package": package})

    def resolve(self, job_id: str, *, way: str, rows: Sequence[Mapping[str, Any]] = ()) -> api.Resolution:
        """Settle rows that are unknown or handed over: those at these places (`file`, `sheet`, `row`), or all."""
        body = {"as": way, "rows": list(rows), "all": not rows}
        return self._json(api.Resolution, "POST", f"/jobs/{quote(job_id, safe='')}/resolutions", json=body)

    def failures(self, job_id: str, *, page: int = 1000) -> Iterator[api.Failure]:
        """Every row that failed, was skipped for a reason of its own, or is unknown."""
        yield from self.pages(f"/jobs/{quote(job_id, safe='')}/results", api.FailurePage, page=page)

    def failure_groups(self, job_id: str) -> list[live.FailureGroup]:
        """Why rows are not in, and how many for each reason, the most frequent first."""
        return self._json(live.FailureGroups, "GET", f"/jobs/{quote(job_id, safe='')}/results/groups")["items"]

    def throughput(self, job_id: str, *, bucket_seconds: int = 5) -> live.Throughput:
        """A job's rows over time, by outcome."""
        params = {"bucket_seconds": bucket_seconds}
        return self._json(live.Throughput, "GET", f"/jobs/{quote(job_id, safe='')}/throughput", params=params)

    def answers(self, job_id: str, *, page: int = 1000) -> Iterator[api.Answer]:
        """What service operations and class methods answered, row by row."""
        yield from self.pages(f"/jobs/{quote(job_id, safe='')}/answers", api.AnswerPage, page=page)

    def first_answers(self, job_id: str, *, limit: int) -> api.AnswerPage:
        """The first of them, and how many there are."""
        return self._json(api.AnswerPage, "GET", f"/jobs/{quote(job_id, safe='')}/answers", params={"limit": limit})

    def log(self, job_id: str, *, newest: bool = False) -> Iterator[api.LogLine]:
        """The job's log, the oldest line first, or the newest."""
        order = "newest" if newest else "oldest"
        yield from self.pages(f"/jobs/{quote(job_id, safe='')}/log", api.LogPage, page=1000, order=order)

    def workbook(self, job_id: str, path: Path, *, form: str = "xlsx") -> None:
        """Write the job's process summary to a file: the workbook, as `html` or `json`, or the rows that are not in as `csv`."""
        with self._answer("GET", f"/jobs/{quote(job_id, safe='')}/results.{form}", stream=True, timeout=None) as answer:
            replies.write(answer, path, url=self.url)

    def audit(self, *, limit: int = 100, **wanted: str | None) -> list[rights.AuditLine]:
        """The newest commands that changed something: on one `subject` (a job or an endpoint), `since` or `until` a moment."""
        params = {"limit": limit} | {name: value for name, value in wanted.items() if value is not None}
        return self._json(rights.AuditPage, "GET", "/audit", params=params)["items"]

    def ledger(self) -> api.LedgerState:
        """Whether the ledger was restored from a backup, and the jobs that wait for a person since."""
        return self._json(api.LedgerState, "GET", "/ledger")

    # --- endpoints

    def endpoints(self) -> list[api.Endpoint]:
        """All registered endpoints, by name."""
        return list(self.pages("/endpoints", api.EndpointPage, page=1000))

    def endpoint(self, name: str) -> api.Endpoint:
        """One endpoint."""
        return self._json(api.Endpoint, "GET", _endpoint_path(name))

    def add_endpoint(self, name: str, *, addresses: list[str], **more: Any) -> api.Endpoint:
        """Register an AOS instance; nobody is contacted.

        `companies`, `partition`, `limits`, `virtual_companies` and `contract` (a zip, base64) are optional, among others.
        """
        body = {"name": name, "addresses": addresses} | {key: value for key, value in more.items() if value is not None}
        return self._json(api.Endpoint, "POST", "/endpoints", json=body)

    def change_endpoint(self, name: str, **told: Any) -> api.Endpoint:
        """Tell anew what `add_endpoint` takes, but for limits: each as a whole; None stays as it was. Nobody is contacted."""
        return self._json(api.Endpoint, "PATCH", _endpoint_path(name), json=told)

    def remove_endpoint(self, name: str) -> None:
        """Forget an endpoint that has no unfinished jobs."""
        self._answer("DELETE", _endpoint_path(name)).close()

    def pause_endpoint(self, name: str) -> api.Endpoint:
        """Hold back what waits for an endpoint."""
        return self._json(api.Endpoint, "POST", f"{_endpoint_path(name)}/pause")

    def resume_endpoint(self, name: str) -> api.Endpoint:
        """Send work to an endpoint again."""
        return self._json(api.Endpoint, "POST", f"{_endpoint_path(name)}/resume")

    def limit_endpoint(self, name: str, allowed: api.Limits) -> api.Endpoint:
        """Set what an endpoint bears, all of it."""
        return self._json(api.Endpoint, "PUT", f"{_endpoint_path(name)}/limits", json=allowed)

    def scale_endpoint(self, name: str, *, workers: int | None = None, concurrency: int | None = None) -> api.Endpoint:
        """Wish so many workers, with so many calls at once each; what is not named stays as it was wished."""
        return self._json(
            api.Endpoint, "PUT", f"{_endpoint_path(name)}/scale", json={"workers": workers, "concurrency": concurrency}
        )

    def unscale_endpoint(self, name: str) -> api.Endpoint:
        """Wish nothing: each worker service does what its own settings say."""
        return self._json(api.Endpoint, "DELETE", f"{_endpoint_path(name)}/scale")

    def test_endpoint(self, name: str) -> api.Job:
        """Start a job that finds out whether the AOS can be reached."""
        return self._json(api.Job, "POST", f"{_endpoint_path(name)}/test")

    def survey_endpoint(self, name: str) -> api.Job:
        """Start a job that reads the endpoint's contracts anew."""
        return self._json(api.Job, "POST", f"{_endpoint_path(name)}/survey")

    def metadata(self, name: str) -> dict[str, Any]:
        """What the last survey read of the endpoint's contracts. Raises NotReachable where none has been made yet."""
        return self._json(dict[str, Any], "GET", f"{_endpoint_path(name)}/metadata")

    # --- what else there is to ask

    def ask(self, kind: type[T], method: str, path: str, **more: Any) -> T:
        """Ask one question of the API; its answer is of this kind."""
        return self._json(kind, method, path, **more)

    def tell(self, method: str, path: str) -> None:
        """Ask for what has no answer."""
        self._answer(method, path).close()

    def pages(self, path: str, kind: type[Any], *, page: int = 1000, **asked: str) -> Iterator[Any]:
        """Everything of a list that comes in pages, by its path, each fetched when it is wanted."""
        cursor: str | None = None
        while True:
            answer = self._json(kind, "GET", path, params={"limit": page, "cursor": cursor, **asked})
            yield from answer["items"]
            cursor = answer["next"]
            if cursor is None:
                return

    # --- health

    def ready(self) -> bool:
        """Whether the dispatcher runs and can use its ledger and broker."""
        try:
            return not any(self.health().values())
        except errors.NotReachable:
            return False

    def health(self) -> dict[str, str]:
        """Each thing that the dispatcher rests on, with the sentence that says what is wrong, or ""."""
        with replies.translated(self.url):
            answer = self._session.get(f"{self.url}/readyz", timeout=5.0, verify=self._verify)
            try:
                components: dict[str, str] = answer.json()["components"]
            except (requests.exceptions.JSONDecodeError, KeyError, TypeError) as error:
                raise replies.stranger(self.url) from error
        return {name: "" if sentence == "ok" else sentence for name, sentence in components.items()}

    def _events(self, path: str, *, after: str | None) -> Iterator[replies.Event]:
        headers = {"Accept": live.EVENT_STREAM} | ({live.LAST_EVENT_ID: after} if after else {})
        with self._answer("GET", path, stream=True, headers=headers, timeout=_SILENT_S) as answer:
            if answer.status_code == requests.codes.no_content:
                yield replies.Event(name="end", data="", id=after)
            yield from replies.events(answer, url=self.url)

    def _order_job(self, job_id: str, verb: str) -> api.Job:
        return self._json(api.Job, "POST", f"/jobs/{quote(job_id, safe='')}/{verb}")

    def _json(self, kind: type[T], method: str, path: str, **more: Any) -> T:
        """The answer as it came, once it is known to be whole: of another version's, a part may be missing."""
        with self._answer(method, path, **more) as answer:
            try:
                found = answer.json()
            except requests.exceptions.JSONDecodeError as error:
                raise replies.stranger(self.url) from error
        try:
            _shape(kind).validate_python(found)  # type: ignore[arg-type]  # types are hashable
        except ValidationError as error:
            first = min(error.errors(), key=lambda each: each["type"] != "missing")
            name = ".".join(str(part) for part in first["loc"] if isinstance(part, str)) or "answer"
            told = f"its answer has no {name}" if first["type"] == "missing" else f"its {name} cannot be read"
            raise self._of_another_version(told, older=first["type"] == "missing") from error
        return cast("T", found)

    def _of_another_version(self, told: str, *, older: bool = True) -> errors.NotReachable:
        """The dispatcher does not speak as this version does; where it does not even say its version, it is left out."""
        try:
            with replies.translated(self.url):
                said = self._session.get(f"{self.url}{api.PREFIX}/openapi.json", timeout=5.0, verify=self._verify)
                version = f" ({said.json()['info']['version']})"
        except (errors.NotReachable, requests.exceptions.JSONDecodeError, KeyError, TypeError):
            version = ""
        is_what = f"older{version} than" if older else f"of another version{version} than"
        advice = "Upgrade the dispatcher." if older else "Bring dispatcher and command to the same version."
        return errors.NotReachable(f"the dispatcher is {is_what} this command ({__version__}): {told}.", advice=advice)

    def _answer(self, method: str, path: str, **more: Any) -> requests.Response:
        more = {"timeout": self._timeout_s, "verify": self._verify} | more
        with replies.translated(self.url):
            answer = self._session.request(method, f"{self.url}{api.PREFIX}{path}", **more)
            if answer.ok:
                return answer
            problem = replies.problem(answer, self.url)
        if answer.status_code in {404, 405} and type(problem) is errors.Refused:  # no such route; what is not found says what
            raise self._of_another_version(f"it does not know {method} {path.partition('?')[0]}")
        raise problem


@functools.cache
def _shape(kind: type[Any]) -> TypeAdapter[Any]:
    """What an answer of this kind must have."""
    return TypeAdapter(kind)


def wait_until_ready(client: Client, *, timeout_s: float, alive: Callable[[], bool] = lambda: True) -> bool:
    """Wait for a dispatcher that is starting; False where it is not ready in time, or `alive` says that it ended."""
    end = time.monotonic() + timeout_s
    while not client.ready():
        if time.monotonic() > end or not alive():
            return False
        time.sleep(0.1)
    return True


def _endpoint_path(name: str) -> str:
    return f"/endpoints/{quote(name, safe='')}"
