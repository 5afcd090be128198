"""Leave for a writing call: it is asked with the mark of the database, and void where that changed while it was waited for."""

import logging
from collections.abc import Callable
from typing import Final

from connector.wire.jobs import Grant, Load
from connector.wire.reports import Intent, Outcomes
from workers.errors import Unsettled, WorkerError
from workers.load.calls import Ask

log = logging.getLogger(__name__)

Mark = Callable[[], str | None]
Tell = Callable[[Intent, Outcomes, str | None], Grant]

#: The code of a call that is not repeated, because leave for that is refused.
_HELD: Final = "RSC-5492"


def asking(message: Load, *, mark: Mark, tell: Tell) -> Ask:
    """How a batch asks leave. `mark` asks the AOS (None: nobody tells it; raises Retry and GiveUp), `tell` the dispatcher.

    Raises Unsettled where leave is refused for a call that an earlier attempt may have made: it is as open as before.
    """

    def ask(intent: Intent, so_far: Outcomes) -> Grant:
        told = mark()
        grant = tell(intent, so_far, told)
        if grant.granted and not _is_still(mark, told):
            grant = Grant(granted=False, reason="the AOS was away, or has another database, since leave was asked for")
        if not grant.granted and message.open_intent is not None and message.open_intent.message_id == intent.message_id:
            raise Unsettled(f"{grant.reason or 'leave was refused'}.", code=_HELD, sent=False)
        return grant

    return ask


def last(mark: Mark) -> str | None:
    """The mark at the end of a batch; None where the AOS does not tell it now."""
    try:
        return mark()
    except WorkerError:
        return None


def _is_still(mark: Mark, told: str | None) -> bool:
    """Whether the database is the one of which was told before. After a granted call was announced nothing may raise."""
    try:
        return mark() == told
    except WorkerError as error:
        log.warning("leave was not used: %s", error, extra={"action": "leave_unused"})
        return False
