"""Fields that AX lets nobody set, or only when a record is created: told before anything is sent."""

from collections.abc import Iterator
from typing import Final

from connector.errors import Place, PlanRefused
from connector.plan.columns import Matches
from connector.plan.keys import Key
from connector.plan.nesting import Matched
from connector.wire.dictionary import TableField
from connector.wire.jobs import Mode

_CREATES: Final = frozenset({Mode.CREATE, Mode.UPSERT})


def notices(matched: Matched, matches: Matches, key: Key, mode: Mode) -> tuple[str, ...]:
    """What rows may come to that fill fields which AX does not let be edited. Raises PlanRefused where none could go in.

    AllowEdit and AllowEditOnCreate of a field hold for services as they do for forms. A key is never changed.
    """
    if matched.known is None or mode is Mode.DELETE:
        return ()
    found = []
    for source, field in _filled(matched, matches):
        is_key = field.name.casefold() in {name.casefold() for name in key.fields}
        can_create, can_update = field.allow_edit_on_create, field.allow_edit and not is_key
        where = f"{matched.record.table.name}.{field.name}"
        if is_key and mode is Mode.UPDATE:
            continue
        if not can_create and (mode is Mode.CREATE or not can_update):
            raise _refused(matched, source, where, mode)
        if not can_create and mode is Mode.UPSERT:
            found.append(f"{matched.action}: {where} cannot be set when a record is created: new rows that fill it fail in AX.")
        if not field.allow_edit and not is_key and mode is not Mode.CREATE:
            found.append(f"{matched.action}: {where} cannot be changed later: rows that differ there from AX' record fail.")
    return tuple(found)


def _filled(matched: Matched, matches: Matches) -> Iterator[tuple[str, TableField]]:
    """What fills a field whose editing is limited, in words, and the field."""
    sources = {name.partition(".")[0]: f"the constant {name}" for name in matched.said.constants}
    sources |= {match.field: f"column {match.column!r}" for match in matches.filled if match.field}
    for name, source in sources.items():
        field = matched.known.field(name) if matched.known else None
        if field is not None and not (field.allow_edit and field.allow_edit_on_create):
            yield source, field


def _refused(matched: Matched, source: str, where: str, mode: Mode) -> PlanRefused:
    when = "" if mode in (Mode.UPSERT, Mode.UPDATE) else " when a record is created"
    return PlanRefused(
        f"{source} fills {where}, which AX lets nobody set{when}.",
        advice=f'Leave it out: in [table."{matched.action.entity}"] of the mapping, "" in `fields` leaves a column out.',
        place=Place(file=matched.action.file, sheet=matched.action.sheet),
    )
