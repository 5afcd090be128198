"""Tells a webhook of jobs that ended, and of trouble that began or ended. What it was not able to take is told again.

The form is that of Standard Webhooks (https://www.standardwebhooks.com), for which there are libraries: an id, a moment, and a
signature over both and the body. What is to be told is in the ledger before it leaves, so nothing is lost; by its id a receiver
knows what comes a second time.
"""

import base64
import binascii
import hashlib
import hmac
import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from connector import __version__
from connector.dispatch import Dispatcher, troubles
from connector.errors import NotReachable, Refused
from connector.ledger import Database, endpoints, jobs, notices

log = logging.getLogger(__name__)

_TURN_S: Final = 1.0
#: How long an answer is waited for, in seconds.
_PATIENCE_S: Final = 10.0
#: Pauses before the next try grow from the first to the last, in seconds.
_FIRST_PAUSE_S, _LAST_PAUSE_S = 5.0, 3600.0
_SHORTEST_SECRET: Final = 24
_PREFIX: Final = "whsec_"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where notices go, and the secret by which the receiver knows that they come from here."""

    url: str
    secret: bytes

    def __repr__(self) -> str:
        """Without the secret, and without the path: some receivers hide a token in it."""
        return f"Receiver({self.host})"

    @property
    def host(self) -> str:
        """As it may be logged."""
        return urlsplit(self.url).hostname or ""

    def signature(self, event: str, *, at: int, body: bytes) -> str:
        """What proves that a notice is ours, and of that moment."""
        signed = hmac.new(self.secret, b".".join((event.encode(), str(at).encode(), body)), hashlib.sha256)
        return f"v1,{base64.b64encode(signed.digest()).decode()}"


def receiver(url: str, secret_file: Path | None, *, allow_plain_http: bool = False) -> Receiver:
    """The receiver that is set up. Raises Refused where what is sent could be read or forged."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and (allow_plain_http or parts.hostname in _LOOPBACK))
    if not is_safe or not parts.hostname:
        raise Refused(
            "the webhook's address is not https.",
            advice="Correct RAPIDSTART_WEBHOOK_URL, or say that the network is safe: RAPIDSTART_ALLOW_PLAIN_HTTP=true",
        )
    try:
        text = secret_file.read_text(encoding="ascii").strip() if secret_file else ""
        secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else text.encode()
    except (OSError, ValueError, binascii.Error) as error:
        raise Refused("the webhook's secret cannot be read.", advice="Check RAPIDSTART_WEBHOOK_SECRET_FILE.") from error
    if len(secret) < _SHORTEST_SECRET:
        raise Refused(
            f"the webhook's secret is missing, or shorter than {_SHORTEST_SECRET} bytes.",
            advice="Put one into a file, and name that by RAPIDSTART_WEBHOOK_SECRET_FILE: openssl rand -hex 32",
        )
    return Receiver(url=url, secret=secret)


class Herald:
    """The thread that notes and tells. It runs where the dispatcher leads."""

    def __init__(self, dispatcher: Dispatcher, to: Receiver | None, *, first_pause_s: float = _FIRST_PAUSE_S) -> None:
        """Nothing happens before `start`. Without a receiver what waits for one is dropped, and nothing else."""
        self._dispatcher, self._to, self._first_pause_s = dispatcher, to, first_pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._forever, name="herald", daemon=True)
        self._session = requests.Session()
        self._began = time.time()

    def start(self) -> None:
        """Begin. Raises NotReachable."""
        with self._dispatcher.ledger.write() as db:
            notices.start(db, at=time.time()) if self._to else notices.stop(db)
        if self._to:
            self._thread.start()

    def stop(self) -> None:
        """End; what is under way may be told once more after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_PATIENCE_S + 1)
        self._session.close()

    def _forever(self) -> None:
        while not self._stopping.wait(_TURN_S):
            try:
                self.turn()
            except NotReachable as error:
                log.warning("%s", error, extra={"action": "not_reachable"})
            except Exception:  # the outermost loop of this thread: the next turn tells what this one has not
                log.exception("a turn failed", extra={"action": "turn_failed"})

    def turn(self) -> None:
        """Note what has happened, then tell what is due. Raises NotReachable."""
        now = time.time()
        with self._dispatcher.ledger.write() as db:
            for job in notices.ended(db, now=now):
                notices.add(db, subject=f"job {job.id}", body=_of_job(db, job), at=now)
            self._note_troubles(db, now)
            if dropped := notices.forget(db, now=now):
                log.error("%d notices were never taken and are dropped", dropped, extra={"action": "notices_dropped"})
            waiting = notices.due(db, now=now)
        for notice in waiting:
            if self._stopping.is_set():
                return
            self._tell(notice)

    def _note_troubles(self, db: Database, now: float) -> None:
        """Note each trouble once when it begins, and once when it ends."""
        standing = troubles.found(self._dispatcher, db, now=now, listening_since=self._began)
        known = notices.troubles(db)
        names = {f"{trouble.kind} {trouble.endpoint}": (trouble, text) for trouble, text in standing.items()}
        for name in names.keys() - known.keys():
            trouble, text = names[name]
            notices.add(db, subject=f"{name} {now} began", body=_of_trouble(name, "trouble.began", now, text), at=now)
            log.warning("%s", text, extra={"action": "trouble_began", "trouble": trouble.kind, "endpoint": trouble.endpoint})
        for name in known.keys() - names.keys():
            notices.add(db, subject=f"{name} {known[name]} ended", body=_of_trouble(name, "trouble.ended", now, ""), at=now)
        if names.keys() != known.keys():
            notices.remember_troubles(db, {name: known.get(name, now) for name in names})

    def _tell(self, notice: notices.Notice) -> None:
        failed = self._post(notice)
        now = time.time()
        with self._dispatcher.ledger.write() as db:
            if not failed:
                notices.taken(db, notice, at=now)
                return
            pause = min(_LAST_PAUSE_S, self._first_pause_s * 2 ** min(notice.tries, 20))
            notices.put_off(db, notice, until=now + pause)
        told = {"action": "notice_not_taken", "notice": notice.event, "tries": notice.tries + 1}
        log.warning("the webhook did not take a notice: %s; it is told again in %.0f s", failed, pause, extra=told)

    def _post(self, notice: notices.Notice) -> str:
        """Why a notice was not taken; "" where it was. Redirects are not followed: what is signed is for one address."""
        if self._to is None:
            return "there is no receiver"
        body, at = notice.body.encode(), int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"RapidStart-Connector/{__version__}",
            "webhook-id": notice.event,
            "webhook-timestamp": str(at),
            "webhook-signature": self._to.signature(notice.event, at=at, body=body),
        }
        try:
            answer = self._session.post(
                self._to.url, data=body, headers=headers, timeout=_PATIENCE_S, allow_redirects=False, stream=True
            )
            answer.close()
        except requests.RequestException as error:
            return f"{self._to.host} cannot be reached ({type(error).__name__})"
        return "" if answer.ok and answer.status_code < 300 else f"{self._to.host} answered {answer.status_code}"


def _of_job(db: Database, job: jobs.Job) -> dict[str, Any]:
    """What is told of a job's end: counts, and no value of any row."""
    rows = {"total": job.rows} | jobs.totals(db, [job.id])[job.id]
    data = {
        "job": job.id,
        "kind": str(job.kind),
        "state": str(job.state),
        "code": job.code,
        "endpoint": _name(db, job.endpoint),
        "company": job.company,
        "package": job.package_name,
        "rows": rows,
        "submitted_at": _moment(job.submitted_at),
        "finished_at": _moment(job.finished_at or 0.0),
    }
    return {"type": "job.ended", "timestamp": data["finished_at"], "data": data}


def _of_trouble(name: str, kind: str, at: float, text: str) -> dict[str, Any]:
    trouble, _, endpoint = name.partition(" ")
    return {"type": kind, "timestamp": _moment(at), "data": {"trouble": trouble, "endpoint": endpoint or None, "text": text}}


def _name(db: Database, key: str) -> str:
    found = [endpoint.name for endpoint in endpoints.every(db) if endpoint.key == key]
    return found[0] if found else key


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
