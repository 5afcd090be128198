"""A folder that AX reads from, and one that it answers in."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from workers.errors import GiveUp, Retry

#: Files are written beside the folder, on the same volume, and then moved in: AX may look into the folder at any moment.
_ASIDE: Final = ".writing"
#: Larger answers are not answers.
_MAX_ANSWER: Final = 64_000_000

T = TypeVar("T")


class Folder:
    """`title` names the folder in messages: its path is the computer's own affair."""

    def __init__(self, inbound: Path, *, title: str, outbound: Path | None = None) -> None:
        self.title = title
        self.answers_are_read = outbound is not None
        self._inbound = inbound
        self._outbound = outbound
        self._aside = inbound.with_name(inbound.name + _ASIDE)

    def prepare(self, name: str, content: bytes) -> None:
        """Write a file where AX does not see it; what is there of the same name is replaced. Raises Retry, GiveUp."""

        def write() -> None:
            if not self._inbound.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "it is no folder")
            self._aside.mkdir(exist_ok=True)
            with (self._aside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

        self._do(write)

    def is_prepared(self, name: str) -> bool:
        """Whether a file was written and not handed over. Raises Retry, GiveUp."""
        return self._do((self._aside / name).is_file)

    def hand_over(self, name: str) -> None:
        """Let AX see a prepared file, whole and at once; one of the same name is replaced. Raises Retry, GiveUp."""
        self._do(lambda: (self._aside / name).replace(self._inbound / name))

    def discard(self, name: str) -> None:
        """Remove a prepared file. Raises Retry, GiveUp."""
        self._do(lambda: (self._aside / name).unlink(missing_ok=True))

    def answers(self, pattern: str) -> dict[str, float]:
        """Files of a pattern that lie in the folder of answers, by name: when each was changed. Raises Retry, GiveUp."""
        if self._outbound is None:
            return {}
        folder = self._outbound
        return self._do(lambda: dict(_changes(sorted(folder.glob(pattern)))))

    def answer(self, name: str) -> bytes:
        """The content of an answer. Raises Retry, GiveUp."""
        folder = self._outbound or self._inbound
        return self._do(lambda: _read(folder / name))

    def _do(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (PermissionError, NotADirectoryError) as error:
            raise GiveUp(
                f"The folder of {self.title} cannot be used: {_why(error)}.",
                advice="Check the folder in the worker's settings, and that the worker's account may write there.",
                code="RSC-5970",
            ) from error
        except OSError as error:  # a share that is away, a full disk
            raise Retry(
                f"The folder of {self.title} cannot be used now: {_why(error)}.",
                advice="Check the share and the space on it.",
                code="RSC-5470",
            ) from error


def _changes(paths: Iterable[Path]) -> Iterator[tuple[str, float]]:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # others may take files away, or rename them when they are complete
            yield path.name, path.stat().st_mtime


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_ANSWER)


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).rstrip(".")
