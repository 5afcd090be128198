"""Imports AX's data dictionary: each slice goes to the dispatcher, and the next one is read when it says so.

Nothing is written to AX. What stops half way is begun anew: the dispatcher puts nothing in use before the end is told.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from connector.wire import dictionary
from connector.wire.dictionary import Dictionary
from connector.wire.jobs import Grant, ImportDictionary
from connector.wire.reports import BatchReturned, DictionaryDone, DictionarySlice, Retry
from workers import aos, errors
from workers.aos import dictionary as reading
from workers.reporter import Reporter

log = logging.getLogger(__name__)

#: What is told of a slice at most, in characters; AX' own slices are far below it.
_MOST_TEXT: Final = 4_000_000
#: The code of a question that was given up because this worker was told to stop.
_STOPPING: Final = "RSC-5490"


def run(door: aos.Door, reporter: Reporter, message: ImportDictionary) -> None:
    """Carry an import out, and tell its end."""
    notes: list[str] = []
    try:
        service = reading.metadata_service(door, message.addresses)
        wish = reading.Wish(language=message.language, services_only=message.services_only, tables=message.tables)
        for found in reading.imported(service, wish, notes=notes):
            _tell(reporter, message, found)
    except (errors.Replaced, errors.Retry) as error:
        log.warning("an import came back: %s", error, extra={"action": "batch_returned", "batch": str(message.ref)})
        reporter.tell(_given_back(reporter, message, error))
        return
    except errors.WorkerError as error:
        told = {"reason": error.message, "advice": error.advice, "code": error.code}
        reporter.tell(DictionaryDone(**reporter.sender(), ref=message.ref, log=tuple(notes), **told))
        return
    reporter.tell(DictionaryDone(**reporter.sender(), ref=message.ref, replaced=_replaced(message), log=tuple(notes)))


def _tell(reporter: Reporter, message: ImportDictionary, found: reading.Imported) -> None:
    """Raises Replaced where the import is not to go on."""
    for content in _packed(found.part):
        told = DictionarySlice(**reporter.sender(), ref=message.ref, content=content, done=found.done, total=found.total)
        leave = reporter.ask(told, Grant)
        if not leave.granted:
            raise errors.Replaced(f"the import goes no further: {leave.reason}.")


def _packed(part: Dictionary) -> Iterator[str]:
    """A slice as it travels; one that is too long in two."""
    content = dictionary.pack(part)
    halves = _halves(part) if len(content) > _MOST_TEXT else ()
    if not halves:
        yield content
    for half in halves:
        yield from _packed(half)


def _halves(part: Dictionary) -> Sequence[Dictionary]:
    """A slice as two; () where it holds one thing alone."""
    for kind in ("tables", "enums", "services", "classes"):
        things = getattr(part, kind)
        middle = len(things) // 2
        if middle:
            first = Dictionary(language=part.language, **{kind: things[:middle]})
            return first, part.model_copy(update={kind: things[middle:]})
    return ()


def _replaced(message: ImportDictionary) -> tuple[str, ...]:
    """Of which kinds everything was told."""
    if message.services_only:
        return ("service",)
    return () if message.tables else ("table", "enum", "service", "class")


def _given_back(reporter: Reporter, message: ImportDictionary, error: errors.WorkerError) -> BatchReturned:
    is_soon = isinstance(error, errors.Replaced) or error.code == _STOPPING
    return BatchReturned(
        **reporter.sender(),
        ref=message.ref,
        retry=Retry.SOON if is_soon else Retry.LATER,
        reason=error.message,
        advice=error.advice,
        code=error.code,
        sent=not is_soon,
    )
