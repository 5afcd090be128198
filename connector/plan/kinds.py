"""Which of several kinds of record is meant, and for what time its records hold: what the mapping must say, where AX asks."""

from dataclasses import replace
from typing import Final

from connector.errors import Place, PlanRefused
from connector.plan.columns import Matches
from connector.plan.mapping import TableMapping
from connector.plan.nesting import Matched
from connector.wire import values
from connector.wire.jobs import Mode
from connector.wire.metadata import Document, Table

_AS_OF: Final = "ValidAsOfDateTime"
#: The worker itself says whether an update clears.
_CLEAR: Final = "ClearNilFieldsOnUpdate"


def typed(matched: Matched, parent: Matched | None) -> tuple[Matched, str]:
    """The action with the record's derived type chosen as the mapping says, and the type's name ("" for the record itself).

    Raises PlanRefused where one must be chosen, is not known, or cannot be nested in its parent's.
    """
    table, said = matched.record.table, matched.said
    if parent is not None and not any(child.name == table.name for child in parent.record.table.children):
        raise _refused(
            matched, f"{table.name} is not nested in {parent.record.table.type_name}, the type of {parent.action.entity!r}."
        )
    if not said.type and not table.derived:
        return matched, ""
    if (
        said.type
        and table.type_name
        and said.type in (table.type_name, table.type_name.rpartition("_")[2])
        and not table.abstract
    ):
        return matched, ""
    chosen = table.as_type(said.type) if said.type else None
    if chosen is None:
        raise _undecided(matched, table)
    return replace(matched, record=replace(matched.record, table=chosen)), chosen.type_name


def _undecided(matched: Matched, table: Table) -> PlanRefused:
    kinds = [each.type_name for each in (*([] if table.abstract else [table]), *table.derived)]
    short = [kind.rpartition("_")[2] for kind in kinds]
    told = ", ".join(short)
    if not kinds or not table.derived:
        return _refused(
            matched, f"{table.name} has no derived types, and the mapping names {matched.said.type!r}.", "Remove `type`."
        )
    if matched.said.type:
        message = f"{table.name} has no type {matched.said.type!r}; its types are {told}."
    else:
        message = f"a record {table.name} may be of the types {told}, and nobody says which."
    return _refused(matched, message, f'Write into the mapping:\n[table."{matched.action.entity}"]\ntype = "{short[-1]}"')


def check_document(matched: Matched, parent: Matched | None) -> None:
    """Refuse what stands beside the root records where the document does not have it, or it does not fit. Raises PlanRefused."""
    given, document = matched.said.document, matched.record.document
    if given and parent is not None:
        raise _refused(
            matched, "`document` speaks of what stands beside root records.", f"Write it for {parent.action.entity!r}."
        )
    known = [field.name for field in document.fields if field.name != _CLEAR]
    if unknown := next((name for name in given if name not in known), None):
        raise _refused(matched, f"the document {document.name} has no {unknown!r}.", f"It has {', '.join(known) or 'nothing'}.")
    for field in document.fields:
        if (text := given.get(field.name)) is not None and (why := values.fits(field, text)):
            raise _refused(matched, f"`document` of the mapping does not fit: {why.message}", why.advice)


def timed(matched: Matched, matches: Matches, mode: Mode, *, decided: bool) -> bool:
    """Whether the time for which the records hold is decided, here or (`decided`) in the records around them.

    Raises PlanRefused where it must be and is not: AX would take the moment of the load without a word.
    """
    said, record = matched.said, matched.record
    decided = decided or said.effective == "now" or bool(said.document.get(_AS_OF)) or _starts(said, matches)
    asks = record.table.is_effective or (not record.path and _is_dated(record.document))
    if asks and not decided and mode is not Mode.DELETE:
        dated = (
            f'document = {{ {_AS_OF} = "2012-01-01T00:00:00Z" }}, or ' if _is_dated(record.document) and not record.path else ""
        )
        filled = "fill ValidFrom by a column or constant, or write " if record.table.is_effective else "write "
        raise _refused(
            matched,
            f"records of {record.table.name if record.table.is_effective else record.document.name} hold for a span of time, "
            "and nobody says from when.",
            f'{filled.capitalize()}into [table."{matched.action.entity}"] of the mapping: {dated}effective = "now".',
        )
    return decided


def _starts(said: TableMapping, matches: Matches) -> bool:
    return "ValidFrom" in said.constants or matches.column_of("ValidFrom") is not None


def _is_dated(document: Document) -> bool:
    return any(field.name in (_AS_OF, "ValidTimeStateType") for field in document.fields)


def _refused(matched: Matched, message: str, advice: str = "") -> PlanRefused:
    return PlanRefused(message, advice=advice, place=Place(file=matched.action.file, sheet=matched.action.sheet))
