"""What became of a call whose end nobody heard: its documents' keys are looked up, and AX holds them as written or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.wire.codec import Row
from connector.wire.reports import Before, Intent
from workers import aos, documents
from workers.documents import Shape
from workers.errors import Refusal, Reject
from workers.load import compare
from workers.load.lookup import Found, Lookup


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The call's documents, each in one of three."""

    done: dict[int, aos.Key | None] = field(default_factory=dict)
    """AX holds them as the call meant to leave them"""
    left: dict[int, Before] = field(default_factory=dict)
    """nothing of the call is there; with what a new call must be made under"""
    doubtful: dict[int, str] = field(default_factory=dict)
    """it cannot be told, and why"""


def of(intent: Intent, rows: Mapping[int, Row], *, shape: Shape, lookup: Lookup) -> Verdict:
    """What became of the call; `rows` are those of the intent's documents. Raises Retry and GiveUp."""
    if not lookup.possible or any(compare.row_key(shape, row) is None for row in rows.values()):
        return Verdict(doubtful=dict.fromkeys(rows, "AX may have carried this out before, and there is no key to look it up by."))
    try:
        found = _found(rows, lookup)
    except Refusal as refusal:
        return Verdict(doubtful=dict.fromkeys(rows, f"AX may have carried this out before, and does not tell: {refusal.message}"))
    if intent.operation == "update":
        return _of_update(rows, found, shape)
    there: dict[int, aos.Key | None] = {document: one.key for document, one in found.items()}
    gone: dict[int, aos.Key | None] = dict.fromkeys(document for document in rows if document not in found)
    done, left = (there, gone) if intent.operation == "create" else (gone, there)
    return Verdict(done=done, left={document: intent.before.get(document, Before()) for document in left})


def _found(rows: Mapping[int, Row], lookup: Lookup) -> dict[int, Found]:
    """The call was one transaction: where the first of its documents is missing, the others are not sought one by one."""
    found = lookup.find(rows)
    missing = {document: row for document, row in rows.items() if document not in found}
    if not found:
        first = next(iter(rows))
        found = lookup.find_each({first: missing.pop(first)})
    return found | lookup.find_each(missing) if found else {}


def _of_update(rows: Mapping[int, Row], found: Mapping[int, Found], shape: Shape) -> Verdict:
    verdict = Verdict()
    for document, row in rows.items():
        if document not in found:
            verdict.doubtful[document] = "This update may have been carried out before, and the record is not there any longer."
            continue
        try:
            left = compare.difference(shape, row, found[document].record)
        except Reject as error:
            verdict.doubtful[document] = error.message
            continue
        if left:
            verdict.left[document] = keyed(shape, left.before, found[document])
        else:
            verdict.done[document] = found[document].key
    return verdict


def keyed(shape: Shape, before: Before, found: Found) -> Before:
    """`before` with the document's entity key, where that is not the natural key."""
    if set(found.key) == set(shape.layout.key):
        return before
    return before.model_copy(update={"values": before.values | documents.key_values(found.key)})
