"""The Data Import/Export Framework (DIXF): text files into its shared directory, results out of it.

AX offers no contract for starting or following an import from outside, so this is as far as a worker can see: it hands a
file over with a control file beside it, and reads the result file that the customer's own batch job may write.
"""

import csv
import io
import json
from dataclasses import dataclass
from typing import Final

from connector.wire.reports import OUTCOME_WORDS, Outcome
from workers.documents import FlatFormat
from workers.exchange.folders import Folder

#: Written after its data file: a batch job that waits for it never reads half a file.
CONTROL: Final = ".control.json"
#: Written by the customer's batch job: a line for each row of which it knows what became.
RESULT: Final = ".result.csv"

_OUTCOMES: Final = {
    OUTCOME_WORDS[outcome]: outcome
    for outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED, Outcome.FAILED)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What a result file says of one row: its number in the data file, from 1, the header not counted."""

    row: int
    outcome: Outcome
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """The endpoint's Data import/export framework settings, as the worker's settings name them. Any thread may use it."""

    folder: Folder
    format: FlatFormat
    answer_within_s: float = 3600.0
    """so long a result file is waited for"""

    def prepare(self, name: str, content: bytes, *, control: dict[str, object]) -> None:
        """Write data and control file where AX does not see them. Raises Retry, GiveUp."""
        self.folder.prepare(name + CONTROL, json.dumps(control, ensure_ascii=False, indent=1).encode())
        self.folder.prepare(name, content)

    def is_prepared(self, name: str) -> bool:
        """Whether the data file was written and not handed over. Raises Retry, GiveUp."""
        return self.folder.is_prepared(name)

    def hand_over(self, name: str) -> None:
        """Let AX see the data file, then its control file. Raises Retry, GiveUp."""
        self.folder.hand_over(name)
        self.finish(name)

    def finish(self, name: str) -> None:
        """Let AX see the control file of a data file that was handed over, where a crash came between the two."""
        if self.folder.is_prepared(name + CONTROL):
            self.folder.hand_over(name + CONTROL)

    def discard(self, name: str) -> None:
        """Remove what was prepared. Raises Retry, GiveUp."""
        self.folder.discard(name)
        self.folder.discard(name + CONTROL)

    def result(self, name: str) -> list[RowResult] | None:
        """What the result file of a data file says; None while there is none. Raises Retry, GiveUp."""
        wanted = name + RESULT
        return results_in(self.folder.answer(wanted)) if self.folder.answers(wanted) else None


def results_in(content: bytes) -> list[RowResult] | None:
    """The lines of a result file; None where it is none, or not complete.

    CSV in UTF-8 with the columns Row, Outcome (created, updated, unchanged, deleted or failed) and Message. It is complete
    when its last line has ended.
    """
    if not content.endswith(b"\n"):
        return None
    try:
        lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        return [
            RowResult(row=int(line["Row"]), outcome=_OUTCOMES[line["Outcome"].strip().lower()], message=line["Message"] or "")
            for line in lines
        ]
    except (UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError, AttributeError):
        return None
