"""The log file of a service that has no terminal: one for each endpoint, of the service itself and all its workers."""

import io
import logging
import logging.handlers
import threading
from pathlib import Path
from typing import IO, Final

#: A file is put aside at this size, in bytes; so many that were put aside are kept.
_BYTES: Final = 10_000_000
_KEPT: Final = 5


class _Quiet(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Says nothing: where it would say it is here."""


class LogFile(io.TextIOBase):
    """Takes what a process writes to standard error. Safe to use from several threads; a full disk ends nothing."""

    def __init__(self, path: Path, *, size: int = _BYTES, kept: int = _KEPT) -> None:
        """The folder is made. `size` in bytes. Raises OSError where the file cannot be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock, self._begun = threading.Lock(), ""
        self._file = _Quiet(path, maxBytes=size, backupCount=kept, encoding="utf-8")

    def write(self, text: str) -> int:
        """Lines, whole or in pieces: a line is kept until its end comes."""
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._put(line)
        return len(text)

    def writable(self) -> bool:
        """It is."""
        return True

    def take(self, stream: IO[bytes]) -> None:
        """Write all that comes out of a stream, until it ends."""
        for line in stream:
            self._put(line.decode("utf-8", errors="replace").rstrip("\r\n"))

    def _put(self, line: str) -> None:
        self._file.handle(logging.LogRecord("", logging.INFO, "", 0, line, None, None))

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        super().close()
