"""The worker service: keeps as many worker processes running on this computer as is wished, and ends them in good order.

A worker is told to end over its standard input, which works on every system; when this process dies, however it does, that
input ends, and the workers finish by themselves. It never kills a worker before its grace has passed.
"""

import contextlib
import logging
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

from connector.wire.jobs import Wish
from workers.ending import AT_ONCE, DRAIN

log = logging.getLogger(__name__)

#: How often it looks after its workers, in seconds.
_TICK_S: Final = 0.5
#: The longest pause before a worker that keeps dying is started again, in seconds; one that lived so long was well.
_LONGEST_PAUSE_S: Final = 60.0
#: Beyond their grace, workers that were told to end have this long to say so, in seconds.
_BEYOND_GRACE_S: Final = 20.0

Command = Callable[[int], Sequence[str]]
"""the command of a worker that makes so many calls at once"""


Listen = Callable[[IO[bytes]], None]
"""takes what a worker writes to its standard error, until that ends"""


def command(endpoint: str, *, home: Path, hosted: bool = False) -> Command:
    """The command of the endpoint's workers. Those of a service that Windows hosts write to its event log."""
    named = ["--endpoint", endpoint, "--home", str(home), *(["--hosted"] if hosted else [])]
    start = [sys.executable, "-m", "workers", "run", *named, "--commands-on-stdin", "--concurrency"]
    return lambda concurrency: [*start, str(concurrency)]


@dataclass(slots=True, kw_only=True)
class _Member:
    process: subprocess.Popen[bytes]
    input: IO[bytes]
    concurrency: int
    started: float
    leaving: bool = False

    def tell(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            self.input.write(word)
            self.input.flush()


class Crew:
    """The worker processes of one endpoint on this computer, never more than `most`, those that leave included."""

    def __init__(self, command: Command, *, most: int, concurrency: int, listen: Listen | None = None) -> None:
        """Nothing runs before the first `tick`. `concurrency` is what holds where nothing is wished. Without `listen` workers
        write where this process writes.
        """
        self._listen = listen
        self.most = most
        self._command = command
        self._own_concurrency = concurrency
        self._members: list[_Member] = []
        self._failures = 0
        self._not_before = 0.0
        self.follow(Wish())

    def follow(self, wish: Wish) -> None:
        """From now on have so many workers, with so many calls at once each; one worker where nothing is wished."""
        self._target = min(self.most, 1 if wish.workers is None else wish.workers)
        self._concurrency = wish.concurrency or self._own_concurrency

    @property
    def running(self) -> int:
        """Workers that run, without those that leave."""
        return sum(not member.leaving for member in self._members)

    @property
    def is_gone(self) -> bool:
        """Whether no process is left."""
        return not self._members

    def tick(self) -> None:
        """See who has died, tell those to leave that are too many, start those that are missing."""
        self._bury()
        staying = [member for member in self._members if not member.leaving]
        for surplus in staying[self._target :]:
            self._drain(surplus)
        self._renew_one(staying[: self._target])
        while self.running < self._target and len(self._members) < self.most and time.monotonic() >= self._not_before:
            self._start()

    def leave(self) -> None:
        """Let all finish the calls in hand, and start no more."""
        self._target = 0
        for member in self._members:
            self._drain(member)

    def leave_at_once(self) -> None:
        """Let all end without finishing."""
        for member in self._members:
            member.tell(AT_ONCE)

    def kill(self) -> None:
        """End those that do not end by themselves."""
        for member in self._members:
            log.warning("worker %d did not end and is killed", member.process.pid, extra={"action": "worker_killed"})
            member.process.kill()

    def _renew_one(self, staying: Sequence[_Member]) -> None:
        """Of workers that make another number of calls than is wished one leaves at a time: the others go on meanwhile."""
        wrong = [member for member in staying if member.concurrency != self._concurrency]
        if wrong and not any(member.leaving for member in self._members):
            self._drain(wrong[0])

    def _drain(self, member: _Member) -> None:
        if not member.leaving:
            member.leaving = True
            member.tell(DRAIN)

    def _bury(self) -> None:
        for member in [each for each in self._members if each.process.poll() is not None]:
            self._members.remove(member)
            with contextlib.suppress(OSError):
                member.input.close()
            if not member.leaving:
                code = member.process.returncode
                self._failed(
                    f"worker {member.process.pid} has ended (exit code {code})", lived_s=time.monotonic() - member.started
                )

    def _failed(self, what: str, *, lived_s: float) -> None:
        self._failures = 1 if lived_s > _LONGEST_PAUSE_S else self._failures + 1
        pause_s = min(_LONGEST_PAUSE_S, 2.0 ** min(self._failures - 1, 10))
        self._not_before = time.monotonic() + pause_s
        log.warning("%s; it is started again in %g s", what, pause_s, extra={"action": "worker_died"})

    def _start(self) -> None:
        try:
            process = _popen(self._command(self._concurrency), heard=self._listen is not None)
        except OSError as error:
            self._failed(f"a worker cannot be started ({error.strerror})", lived_s=0)
            return
        if process.stdin:
            now = time.monotonic()
            self._members.append(_Member(process=process, input=process.stdin, concurrency=self._concurrency, started=now))
        if self._listen and process.stderr:
            threading.Thread(target=self._listen, args=(process.stderr,), name="listen", daemon=True).start()
        log.info("worker %d is started", process.pid, extra={"action": "worker_started"})


def _popen(command: Sequence[str], *, heard: bool) -> subprocess.Popen[bytes]:
    """A process in a group of its own: Ctrl-C reaches this one alone, which then tells its workers."""
    output, errors = (subprocess.DEVNULL, subprocess.PIPE) if heard else (None, None)
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=errors, creationflags=group)
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=errors, start_new_session=True)


class Talk(Protocol):
    """How the service tells of itself, and hears what is wished: see `workers.wishes`."""

    def ask(self, running: int) -> Wish | None:
        """What is wished; None where nobody says."""

    def end(self) -> None:
        """Tell that the service has ended."""


class Service:
    """The process `rapidstart-worker service run`."""

    def __init__(self, crew: Crew, talk: Talk, *, grace_s: float) -> None:
        """`grace_s` is the workers' own; they get a little more before they are killed."""
        self._crew, self._talk, self._grace_s = crew, talk, grace_s
        self._said: queue.SimpleQueue[Wish | None] = queue.SimpleQueue()
        """what is wished; None: this process shall end"""
        self._ending = threading.Event()

    def run(self) -> None:
        """Follow what is wished until a signal comes; then let the workers finish, and at a second signal end them.

        Outside the main thread no signal can be heard: then `end` says so.
        """
        for name in ("SIGTERM", "SIGINT", "SIGBREAK", "SIGHUP"):
            if hasattr(signal, name) and threading.current_thread() is threading.main_thread():
                signal.signal(getattr(signal, name), self._on_signal)
        threading.Thread(target=self._listen, name="wishes", daemon=True).start()
        while not self._ending.is_set():
            said = self._next()
            self._crew.tick()
            if said is None:
                self._ending.set()
        self._end()
        self._talk.end()

    def end(self) -> None:
        """What a signal says, from another thread."""
        self._said.put(None)

    def _on_signal(self, *_: Any) -> None:
        self._said.put(None)

    def _listen(self) -> None:
        while not self._ending.is_set():
            wish = self._talk.ask(self._crew.running)
            if wish is not None:
                self._said.put(wish)
            self._ending.wait(_TICK_S * 2 if wish is not None else _TICK_S * 10)

    def _next(self) -> Wish | None:
        """What was said last, told to the crew; None where this process shall end."""
        try:
            wish = self._said.get(timeout=_TICK_S)
        except queue.Empty:
            return _NOTHING_NEW
        if wish is not None:
            self._crew.follow(wish)
        return wish

    def _end(self) -> None:
        log.info("the worker service ends with its workers; told again, they end at once", extra={"action": "service_ends"})
        self._crew.leave()
        until = time.monotonic() + self._grace_s + _BEYOND_GRACE_S
        while not self._crew.is_gone:
            if self._next() is None:
                self._crew.leave_at_once()
                until = min(until, time.monotonic() + _BEYOND_GRACE_S)
            self._crew.leave()  # a wish that came late changes nothing any more
            self._crew.tick()
            if time.monotonic() > until:
                self._crew.kill()


_NOTHING_NEW: Final = Wish()
