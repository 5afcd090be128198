"""How a worker process ends: the calls in hand are finished within a grace; what takes longer is given up to the ledger.

It never waits for ever, whatever hangs: the thread that watches needs neither the main thread nor the pool.
"""

import contextlib
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Final

log = logging.getLogger(__name__)

#: The exit code of a process that gave up calls in hand.
GAVE_UP: Final = 1
#: What a worker service writes to its workers' standard input. An input that ends means the same as the first.
DRAIN: Final = b"drain\n"
AT_ONCE: Final = b"now\n"


class Ending:
    """Asked to, the process drains; at a second signal, or when the grace has passed, it ends at once."""

    def __init__(self, *, grace_s: float, drain: Callable[[], None], give_up: Callable[[], None]) -> None:
        """`drain` lets nothing new begin, and returns; `give_up` tells what is left undone. Nothing runs before `watch`."""
        self._grace_s = grace_s
        self._drain, self._give_up = drain, give_up
        # Not an event: what a signal handler may touch must not be held by the thread that it interrupts.
        self._asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._signals = 0

    def ask(self, *, at_once: bool = False) -> None:
        """Ask the process to end. Safe in a signal handler."""
        self._asked.put(at_once)

    def watch(self) -> None:
        """Start to wait for whoever asks."""
        threading.Thread(target=self._follow, name="ending", daemon=True).start()

    def on_signals(self) -> None:
        """SIGTERM, Ctrl-C, Ctrl-Break and a closed terminal ask. To be called in the main thread."""
        for name in ("SIGTERM", "SIGINT", "SIGBREAK", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    def on_input(self, descriptor: int) -> None:
        """The words of a worker service ask, and so does the end of the input: whoever held its other end is gone."""
        threading.Thread(target=self._read, args=(descriptor,), name="input", daemon=True).start()

    def _on_signal(self, *_: Any) -> None:
        # Counted by themselves: a service manager may signal a worker that its worker service has told to end.
        self._signals += 1
        self.ask(at_once=self._signals > 1)

    def _read(self, descriptor: int) -> None:
        # Not through a buffered file: a thread that waits in one brings an ending interpreter down.
        while words := os.read(descriptor, 64):
            for word in words.splitlines(keepends=True):
                self.ask(at_once=word == AT_ONCE)
        self.ask()

    def _follow(self) -> None:
        at_once = self._asked.get()
        self._drain()
        if not at_once:
            told = "the worker ends: calls in hand are finished, for up to %g s; asked again it ends at once"
            log.info(told, self._grace_s, extra={"action": "worker_drains"})
            self._wait()
        log.warning(
            "the worker ends at once: of calls in hand it is found out later whether AX carried them out",
            extra={"action": "worker_gives_up"},
        )
        # Whatever hangs, also in giving up, is not waited for.
        threading.Timer(_GIVE_UP_S, os._exit, (GAVE_UP,)).start()
        self._give_up()
        os._exit(GAVE_UP)

    def _wait(self) -> None:
        """Return when the grace has passed, or somebody wants the end at once."""
        until = time.monotonic() + self._grace_s
        with contextlib.suppress(queue.Empty):
            while not self._asked.get(timeout=max(0.0, until - time.monotonic())):
                pass


#: How long giving up may take, in seconds.
_GIVE_UP_S: Final = 15.0
