"""Reads server-sent events as a browser does, and remembers the number of the last one."""

import json
import queue
import threading
from dataclasses import dataclass, field

import requests


@dataclass(frozen=True, kw_only=True)
class Event:
    name: str
    data: dict
    id: int


@dataclass
class Reader:
    """One connection, read in a thread of its own until the server or the test ends it."""

    url: str
    token: str
    after: int | None = None
    status: int = 0
    last_id: int | None = None
    _events: queue.Queue = field(default_factory=queue.Queue)

    def __enter__(self):
        headers = {"Authorization": f"Bearer {self.token}"}
        if self.after is not None:
            headers["Last-Event-ID"] = str(self.after)
        self._answer = requests.get(self.url, headers=headers, stream=True, timeout=30)
        self._answer.encoding = "utf-8"
        self.status = self._answer.status_code
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        if (connection := self._answer.raw.connection) is not None and connection.sock is not None:
            connection.sock.shutdown(2)
        self._thread.join(20)
        self._answer.close()

    def next(self, name="job", timeout=20):
        """The next event of this name; None where the stream ended before."""
        while (event := self._events.get(timeout=timeout)) is not None:
            if event.name == name:
                return event
        return None

    def until(self, wanted, name="job"):
        """The first event of this name that is as wanted, and all before it."""
        found = []
        while True:
            found.append(self.next(name))
            assert found[-1] is not None, found
            if wanted(found[-1].data):
                return found

    def _read(self):
        name, data = "message", []
        try:
            for line in self._answer.iter_lines(chunk_size=1, decode_unicode=True):
                word, _, value = line.partition(": ")
                if word == "event":
                    name = value
                elif word == "data":
                    data.append(value)
                elif word == "id":
                    self.last_id = int(value)
                elif not line and data:
                    self._events.put(Event(name=name, data=json.loads("\n".join(data)), id=self.last_id))
                    name, data = "message", []
        except (requests.RequestException, AttributeError, OSError, ValueError):
            pass
        self._events.put(None)
