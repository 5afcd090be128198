"""Starts processes that end with this one, whatever ends it: Ctrl-C, a crash, kill -9.

It must never leave a process behind, and never signal one that is not its own.

How: a child is started through `sh`, which leaves a small guard beside it and then becomes the child itself. The guard
reads a pipe whose other end only this process holds; when that end closes, the guard asks the child's process group
to end, and a little later ends it. The kernel's own parent-death signal will not do: it follows the *thread* that
started the child, it knows one system only, and it gives the child no time.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: $1 is the time to end in tenths of a second, the rest is the command. The group's number cannot be given to a stranger
#: while the guard lives, because the guard is a member of it: signalling the group is safe even long after the child ended.
#: A child that has ended but that nobody collects (state Z, in a container without an init) counts as gone.
_GUARDED: Final = """
tenths=$1; shift
exec 3<&0 </dev/null
{
  trap '' TERM INT HUP
  lives() {
    kill -0 $$ || return 1
    { read -r state </proc/$$/stat; } || return 0
    case $state in *') Z '*) return 1 ;; esac
  }
  read -r _ <&3
  kill -TERM 0
  while lives && [ "$tenths" -gt 0 ]; do sleep 0.1; tenths=$((tenths - 1)); done
  lives && kill -KILL 0
} >/dev/null 2>&1 &
exec "$@" 3<&-
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started here. It has its own session: Ctrl-C reaches its parent alone, which then ends it."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The process id of the command itself."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def ask_to_end(self) -> None:
        """Send SIGTERM and return at once; `stop` waits for what comes of it."""
        if self.alive():
            self.process.terminate()

    def stop(self, *, timeout_s: float = 10.0) -> int:
        """Ask the process to end, kill it when `timeout_s` has passed, and return its exit code. Harmless when repeated."""
        self.ask_to_end()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._dismiss_guard()

    def wait(self) -> int:
        """Wait until the process ends by itself, and return its exit code."""
        try:
            return self.process.wait()
        finally:
            if self.process.returncode is not None:
                self._dismiss_guard()

    def _dismiss_guard(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    grace_s: float = 10.0,
) -> Child:
    """Start `command`. Its settings are those in `env`: no RAPIDSTART_ variable of this process is passed on.

    Output goes to the end of the file `log` where that is given, else where our own goes. `grace_s` is the time the child
    has to end in good order when this process was killed.
    On Windows a child outlives a killed parent: there is no guard.
    """
    words = [str(word) for word in command]
    guarded = words if os.name == "nt" else ["/bin/sh", "-c", _GUARDED, "sh", str(int(grace_s * 10)), *words]
    output = open(log, "ab") if log else None  # noqa: SIM115 - closed below; the child has its own copy
    try:
        process = subprocess.Popen(
            guarded,
            env=_environment(env or {}),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    finally:
        if output:
            output.close()
    return Child(process)


def _environment(added: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("RAPIDSTART_")}
    return inherited | dict(added)


def end_on_signals() -> None:
    """Make SIGTERM and a closed terminal end this process like Ctrl-C does, so that it puts its children away."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
