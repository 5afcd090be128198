"""The event log of Windows: what changes for an operator, and nothing else, so that a monitor can raise alarms by the numbers.

1000 started, 1001 stopped, 4000 the AOS cannot be reached, 4001 the broker cannot be reached, 4100 the account is refused.
"""

import logging
import sys
from typing import Final

SOURCE: Final = "RapidStart Connector"
STARTED: Final = 1000
STOPPED: Final = 1001
#: By what a line of the log says of itself (`action`).
NUMBERS: Final = {
    "service_started": STARTED,
    "service_ended": STOPPED,
    "batch_returned": 4000,
    "wishes_unheard": 4001,
    "reports_wait": 4001,
}
#: A returned batch whose code begins so was not returned for an AOS that is away, but for account or contract.
REFUSED: Final = 4100


def number_of(record: logging.LogRecord) -> int | None:
    """The number of an event; None for a line that is none."""
    number = NUMBERS.get(str(getattr(record, "action", "")))
    if number == NUMBERS["batch_returned"] and str(getattr(record, "code", "")).startswith("RSC-59"):
        return REFUSED
    return number


class EventLog(logging.Handler):
    """Writes lines that are events into Windows' event log, each kind once until another one comes."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._last: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """A log that cannot be written must not end the work."""
        number = number_of(record)
        if number is None or number == self._last:
            return
        self._last = number
        _write(number, record.getMessage(), is_error=number >= 4000)


def _write(number: int, sentence: str, *, is_error: bool) -> None:
    if sys.platform != "win32":
        return
    import pywintypes
    import win32evtlog
    import win32evtlogutil

    kind = win32evtlog.EVENTLOG_ERROR_TYPE if is_error else win32evtlog.EVENTLOG_INFORMATION_TYPE
    try:
        win32evtlogutil.ReportEvent(SOURCE, number, eventType=kind, strings=[sentence])
    except pywintypes.error:
        logging.getLogger(__name__).debug("the event log cannot be written")
