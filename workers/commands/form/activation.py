"""A registration that runs beside the page: the very command that a person would type."""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence


class Activation:
    """`rapidstart-worker register`, and what it has said until now."""

    def __init__(self, words: Sequence[str]) -> None:
        """It is started; it ends by itself, approved or not, or with `end`."""
        command = [sys.executable, "-m", "workers", "register", "--yes", "--json", *words]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        self._lines: list[str] = []
        self._begun = threading.Event()
        threading.Thread(target=self._listen, name="register", daemon=True).start()

    def await_link(self, *, within_s: float) -> None:
        """Return when the dispatcher has answered, or nothing more will come."""
        self._begun.wait(within_s)

    @property
    def runs(self) -> bool:
        """Whether somebody is still waited for."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """Its words."""
        return "\n".join(self._lines)

    @property
    def links(self) -> list[str]:
        """Where it is activated; the one that holds the code first."""
        found = [value for line in self._lines for value in _values(line) if value.startswith(("http://", "https://"))]
        return sorted(set(found), key=lambda link: -len(link))[:1]

    def end(self) -> None:
        """Wait for nobody any more."""
        if self.runs:
            self._process.terminate()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(line.rstrip())
            self._begun.set()
        self._begun.set()


def _values(line: str) -> list[str]:
    try:
        said = json.loads(line)
    except ValueError:
        return []
    return [value for value in said.values() if isinstance(value, str)] if isinstance(said, dict) else []
