"""Which fields tell a record from the others, and whether that is known or only guessed."""

from dataclasses import dataclass

from connector.errors import Place, PlanRefused
from connector.intake.keys import guess_key
from connector.intake.values import Action
from connector.plan.columns import Matches
from connector.plan.mapping import TableMapping
from connector.plan.matching import Record
from connector.wire.jobs import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """AX field names, why they are the key, and whether that is a guess (() with a guess: every row is new)."""

    fields: tuple[str, ...]
    reason: str
    is_guess: bool = False


def key(action: Action, record: Record, matches: Matches, said: TableMapping) -> Key:
    """The key by the mapping, the package, or the service itself; else a guess from the rows.

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
    learnt = record.service.key
    if learnt and not record.path and learnt != ("RecId",) and filled.issuperset(learnt):
        return Key(fields=learnt, reason=f"{record.service.name} names records by it")
    return _guess(action, matches)


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
    if requested is Mode.UPSERT:
        return Mode.CREATE, f"{found.reason}, so rows are only created; name the key in the mapping to update as well"
    raise PlanRefused(
        f"{action.entity!r} cannot run in mode {requested.value}: its key is not known ({found.reason}).",
        advice=f'Write into the mapping: [table."{action.entity}"] key = ["Field"].',
        place=Place(file=action.file, sheet=action.sheet),
    )
