"""A wall clock that jumps, for one process; its monotonic clock goes on."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.journeys.driving import ROOT

_JUMPING: Final = Path(__file__).with_name("jumping")


@dataclass(frozen=True)
class Clock:
    """What a process that was started with `environment` takes for the time."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process look at this clock."""
        self.jump(0)
        return {"PYTHONPATH": os.pathsep.join((str(_JUMPING), str(ROOT))), "CHAOS_CLOCK": str(self.file)}

    def jump(self, seconds: int) -> None:
        """So far from the true time, from now on."""
        draft = self.file.with_suffix(".new")
        draft.write_text(str(seconds))
        draft.replace(self.file)
