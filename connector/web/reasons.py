"""Why rows of a job are not in, looked up once for all who watch it: of a great load that goes wrong this is dear to ask."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from connector.ledger import Database, findings
from connector.ledger.findings import Group

#: For so long what was found is good enough for a job that runs.
_GOOD_FOR_S: Final = 2.0
#: The most frequent ones.
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    groups: list[Group]
    until: float


@dataclass(slots=True, kw_only=True)
class Reasons:
    """What was found of each job lately. Safe to use from several threads; while one looks, others read what was known."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[str, _Known] = field(default_factory=dict)

    def of(self, db: Database, job: str, *, runs: bool) -> list[Group]:
        """The most frequent reasons; where the job runs, as they were up to two seconds ago."""
        now, known = self.clock(), self._known.get(job)
        if not runs:
            self._known.pop(job, None)
            return findings.groups(db, job, limit=_SHOWN)
        if known is not None:
            if known.until > now:
                return known.groups
            self._known[job] = _Known(groups=known.groups, until=now + _GOOD_FOR_S)
        found = findings.groups(db, job, limit=_SHOWN)
        self._known = {name: each for name, each in self._known.items() if each.until > now}
        self._known[job] = _Known(groups=found, until=now + _GOOD_FOR_S)
        return found
