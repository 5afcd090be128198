"""Listens in on the stream of reports, and plays old ones again: twice, late, and in another order."""

import random
import threading
from collections import deque
from typing import Any

import redis

from tests.chaos.broker import Broker


class Tap:
    """The reports of one endpoint, as far as they were heard."""

    def __init__(self, broker: Broker, endpoint: str) -> None:
        self._broker = broker
        self._stream = f"aos.{endpoint.lower()}:reports"
        self._heard: deque[dict[bytes, bytes]] = deque(maxlen=400)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="tap", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def replay(self, choice: random.Random, *, count: int = 60) -> int:
        """Report again what was reported before; how much of it."""
        old = list(self._heard)
        chosen = choice.sample(old, min(count, len(old)))
        with self._broker.client.pipeline(transaction=False) as pipe:
            for fields in chosen:
                pipe.xadd(self._stream, dict(fields))
            pipe.execute()
        return len(chosen)

    def _listen(self) -> None:
        last: Any = "$"
        while not self._ending.is_set():
            try:
                answer: Any = self._broker.client.xread({self._stream: last}, block=300, count=100)
            except redis.RedisError:
                last = "$"
                self._ending.wait(0.3)
                continue
            for _, entries in answer.items() if isinstance(answer, dict) else answer or []:
                for entry in entries[0] if entries and isinstance(entries[0], list) else entries:
                    last = entry[0]
                    self._heard.append(entry[1])
