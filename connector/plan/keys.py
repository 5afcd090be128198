"""Which fields tell a record from the others, and whether that is known or only guessed."""

from dataclasses import dataclass, replace

from connector.errors import Place, PlanRefused
from connector.intake.keys import guess_key
from connector.intake.values import Action
from connector.plan import knowing
from connector.plan.columns import Matches
from connector.plan.mapping import TableMapping
from connector.plan.matching import Record
from connector.wire.dictionary import DataTable
from connector.wire.jobs import Mode
from connector.wire.metadata import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """AX field names, why they are the key, and whether that is a guess (() with a guess: every row is new)."""

    fields: tuple[str, ...]
    reason: str
    is_guess: bool = False
    assigned: bool = False
    """AX itself gives it to new records"""


def key(action: Action, record: Record, matches: Matches, said: TableMapping, known: DataTable | None = None) -> Key:
    """The key by the mapping, the package, the service itself, or the data dictionary (`known`); else a guess from the rows.

    Raises PlanRefused when the mapping's key is not filled, PackageRefused when the rows cannot be read for the guess.
    """
    filled = {match.field for match in matches.filled} | set(said.constants)
    if said.key:
        if missing := [field for field in said.key if field not in filled]:
            raise PlanRefused(
                f"the mapping's key field {missing[0]} is filled by no column.",
                advice="Map a column to it, or give it as a constant.",
                place=Place(file=action.file, sheet=action.sheet),
            )
        return Key(fields=said.key, reason="the mapping says so")
    declared = [matches.field_of(column) for column in action.declared_key]
    if declared and None not in declared:
        return Key(fields=tuple(field for field in declared if field), reason="the package declares it")
    if record.table.key and filled.issuperset(record.table.key):
        return Key(fields=record.table.key, reason=f"AX tells it as the unique key of {record.table.name}")
    learnt = record.service.key
    if learnt and not record.path and learnt != ("RecId",):
        if filled.issuperset(learnt):
            return Key(fields=learnt, reason=f"{record.service.name} names records by it")
        told = ", ".join(learnt)
        reason = f"{record.service.name} names records by {told}, which the package does not fill: AX gives it to new records"
        return Key(fields=(), reason=reason, is_guess=True, assigned=True)
    whole = [match.field for match in matches.filled if match.field and not match.part]
    if known and not record.path and (found := knowing.key(known, [*whole, *said.constants])):
        return Key(fields=found[0], reason=found[1])
    return _guess(action, matches)


def dated(found: Key, table: Table, matches: Matches, said: TableMapping) -> Key:
    """The key of a date-effective record: where the package says from when it holds, that is a part of it."""
    starts = "ValidFrom" in said.constants or matches.column_of("ValidFrom") is not None
    if not (table.is_effective and starts and found.fields) or "ValidFrom" in found.fields:
        return found
    return replace(
        found, fields=(*found.fields, "ValidFrom"), reason=f"{found.reason}; with ValidFrom, as its records hold for a time"
    )


def _guess(action: Action, matches: Matches) -> Key:
    columns = guess_key(action)
    fields = tuple(field for field in map(matches.field_of, columns) if field)
    if not fields or len(fields) < len(columns):
        return Key(fields=(), reason="no key is known, and no leading columns are unique in the file", is_guess=True)
    told = f"{', '.join(columns)} {'is' if len(columns) == 1 else 'are together'} unique in the file"
    return Key(fields=fields, reason=f"a guess: {told}", is_guess=True)


def mode(requested: Mode, found: Key, action: Action) -> tuple[Mode, str]:
    """The mode in which a step can run, and the key's reason with what follows from it.

    Nothing that exists is changed on a guess: `upsert` becomes `create`. Raises PlanRefused for `update` and `delete`.
    """
    if not found.is_guess or requested is Mode.CREATE:
        return requested, found.reason
    if requested is Mode.UPSERT and not found.assigned:
        return Mode.CREATE, f"{found.reason}, so rows are only created; name the key in the mapping to update as well"
    raise PlanRefused(
        f"{action.entity!r} cannot run in mode {requested.value}: its key is not known ({found.reason}).",
        advice=f'Write into the mapping: [table."{action.entity}"] key = ["Field"]'
        + (", by which no two records are the same; or load in mode create." if found.assigned else "."),
        place=Place(file=action.file, sheet=action.sheet),
    )
