"""Keeps the ring busy: hands in one load after the other over HTTP, and watches each to its end, whatever is away meanwhile."""

import http.client
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.chaos.work import ENDPOINT, Work

_LOOK_S: Final = 0.1
_ANSWER_S: Final = 3.0
#: A failure that passes: the dispatcher, its ledger or its disk is away.
_LATER: Final = 500


class Wrong(AssertionError):
    """The product has refused what it must take."""


class Lane:
    """A thread that loads one work after the other until it is told to stop; the last one is watched to its end."""

    def __init__(self, api_url: str, works: Iterator[Work], *, name: str, token: Path) -> None:
        self.done: list[Work] = []
        self.trouble = ""
        self.settled = 0
        """rows with an outcome, of all loads; it grows only when something has been brought about"""
        self.current: Work | None = None
        self._before = 0
        self._api = f"{api_url}/api/v1"
        self._login = {"Authorization": f"Bearer {token.read_text(encoding='utf-8').strip()}"}
        self._works = works
        self._stopping = threading.Event()
        self._giving_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, *, within_s: float) -> bool:
        """Whether the load in hand came to its end in this time. No other is begun."""
        self._stopping.set()
        self._thread.join(within_s)
        ended = not self._thread.is_alive()
        self._giving_up.set()
        self._thread.join(10)
        return ended

    def _run(self) -> None:
        for work in self._works:
            if self._stopping.is_set() or self._giving_up.is_set():
                return
            try:
                self._carry(work)
            except Wrong as wrong:
                self.trouble = f"{work.name}: {wrong}"
                return
            if work.told:
                self.done.append(work)
            self.current = None

    def _carry(self, work: Work) -> None:
        """One load, from its package to its results."""
        self.current = work
        headers = {"Idempotency-Key": f"chaos {work.name}"}
        query = urllib.parse.urlencode({"name": f"{work.name}.zip"})
        received = self._ask("POST", f"/packages?{query}", body=work.package)
        order = {"endpoint": ENDPOINT, "company": work.company, "package": received["sha256"], "mode": work.mode}
        mapping = {"mapping": work.mapping} if work.mapping else {}
        body = json.dumps(order | mapping).encode()
        work.job = self._ask("POST", "/jobs", body=body, headers=headers | {"Content-Type": "application/json"})["id"]
        while not (job := self._ask("GET", f"/jobs/{work.job}"))["finished_at"]:
            self._count(job)
            self._wait()
        self._count(job)
        self._before = self.settled
        work.results = self._results(work.job)
        work.told = job

    def _count(self, job: dict[str, Any]) -> None:
        rows = job["rows"]
        self.settled = max(self.settled, self._before + sum(count for word, count in rows.items() if word in _SETTLED))

    def _results(self, job: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = self._ask("GET", f"/jobs/{job}/results?" + urllib.parse.urlencode({"limit": 1000, **cursor}))
            found += page["items"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}

    def _ask(self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """The answer, however often it takes. Raises Wrong where it is no."""
        while True:
            request = urllib.request.Request(self._api + path, data=body, headers=self._login | (headers or {}), method=method)
            try:
                with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                told = error.read().decode(errors="replace")
                if error.code < _LATER:
                    raise Wrong(f"{method} {path}: {error.code} {told}") from None
            except (OSError, ValueError, http.client.HTTPException):
                pass  # away, or cut off in the middle of its answer
            self._wait()

    def _wait(self) -> None:
        if self._giving_up.wait(_LOOK_S):
            raise Wrong("it did not come to its end")


_SETTLED: Final = frozenset({"created", "updated", "unchanged", "deleted", "failed", "skipped", "unknown"})
