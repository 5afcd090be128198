"""A clock that jumps, for one process: libfaketime, where this computer has it. The monotonic clock stays as it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PLACES: Final = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


def library() -> Path | None:
    """libfaketime, None where it is not installed."""
    return next((found for place in _PLACES for found in Path("/").glob(place.lstrip("/"))), None)


@dataclass(frozen=True)
class Clock:
    """What a process that was started with `environment` takes for the time."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process look at this clock; nothing where that cannot be had."""
        found = library()
        if found is None:
            return {}
        self.jump(0)
        return {
            "LD_PRELOAD": str(found),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, seconds: int) -> None:
        """So far from the true time, from the next second on."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}s\n")
        draft.replace(self.file)
