"""What can go wrong at the dispatcher, sorted by what happens next.

RapidStartError
  x Refused          the user must change something: nothing was done (exit code 3)
    - PackageRefused   the package, down to file, sheet, row, field
    - PlanRefused      package and endpoint do not fit each other
    - NotFound         no such job, endpoint or package
    - Conflict         it cannot be done now, or was asked before in other words
    - NotSignedIn      nobody has proved who asks
    - NotAllowed       who asks may not do this
    - TooOften         it was asked too often: wait
  x NotReachable     broker, dispatcher, or an endpoint that never answered (exit code 4)
    - NotLeading       another dispatcher leads by now: nothing was written
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a package something is."""

    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        parts = [self.file, f"sheet {self.sheet}" if self.sheet else None, f"row {self.row}" if self.row else None]
        return ", ".join(part for part in (*parts, f"field {self.field}" if self.field else None) if part)


class RapidStartError(Exception):
    """Base of the dispatcher's errors: a sentence, what to do next, and where."""

    exit_code: ClassVar[int] = 3
    status: ClassVar[int] = 422
    code: ClassVar[str] = "RSC-1000"

    def __init__(self, message: str, *, advice: str = "", place: Place | None = None, value: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.place = place or Place()
        self.value = value
        """what is refused there, as it was given"""

    def __str__(self) -> str:
        where = str(self.place)
        return " ".join(part for part in (f"{where}:" if where else "", self.message, self.advice) if part)


class Refused(RapidStartError):
    """The user must change something; nothing was done."""

    code = "RSC-2000"


class PackageRefused(Refused):
    """The package cannot be read as it is."""

    code = "RSC-2100"


class PlanRefused(Refused):
    """The package does not fit the endpoint, or the mapping does not fit the package."""

    code = "RSC-2200"


class NotFound(Refused):
    """No such job, endpoint or package."""

    status = 404
    code = "RSC-2400"


class Conflict(Refused):
    """It cannot be done in the present state, or was asked before in other words."""

    status = 409
    code = "RSC-2900"


class NotSignedIn(Refused):
    """Nobody has proved who asks: there is no token or session, or it is worth nothing any more."""

    status = 401
    code = "RSC-2310"


class NotAllowed(Refused):
    """Who asks is known, and may not do this."""

    status = 403
    code = "RSC-2320"


class TooOften(Refused):
    """It was asked too often, by one address or by all together."""

    status = 429
    code = "RSC-2330"


class NotReachable(RapidStartError):
    """Something that must answer does not: the broker, the dispatcher, the ledger."""

    exit_code = 4
    status = 503
    code = "RSC-4000"


class NotLeading(NotReachable):
    """Another dispatcher has taken the lead; nothing was written."""

    code = "RSC-4010"
