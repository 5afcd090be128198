"""What is found out about each action by itself: its record, columns, key, and the action that its rows are nested in."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector.errors import PlanRefused
from connector.intake.values import Action, Package
from connector.plan import (
    actions,
    columns,
    editing,
    keys,
    kinds,
    knowing,
    matching,
    names,
    nesting,
    operations,
    parameters,
    structures,
    ways,
)
from connector.plan.actions import Call
from connector.plan.columns import Matches
from connector.plan.keys import Key
from connector.plan.mapping import Mapping, TableMapping
from connector.plan.matching import Record
from connector.plan.nesting import Matched
from connector.plan.values import Link
from connector.wire.dictionary import Dictionary
from connector.wire.jobs import Mode
from connector.wire.metadata import Metadata, normalized


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was found out about one action; `parent` and `link` (by column index) for nested rows."""

    matched: Matched
    matches: Matches
    key: Key
    mode: Mode
    parent: int | None
    link: tuple[Link, ...]
    notices: tuple[str, ...]
    type: str = ""
    """the derived type of its records"""
    timed: bool = False
    """the time for which its records hold is decided"""
    call: Call | None = None
    """where its rows are calls"""

    @property
    def entity(self) -> str:
        """The entity's name."""
        return self.matched.action.entity


def draft(
    package: Package, metadata: Metadata, *, mapping: Mapping, mode: Mode, dictionary: Dictionary | None = None
) -> list[Draft]:
    """The answers for each action of the package, in its order. Raises PlanRefused, PackageRefused."""
    check_entities(package, mapping)
    dictionary = dictionary or Dictionary()
    matched = [knowing.told(each, dictionary) for each in _match_all(package, metadata, mapping)]
    done: dict[int, Draft] = {}
    problems: list[PlanRefused] = []
    for each in sorted(matched, key=lambda each: len(each.record.path)):  # parents before what is nested in them
        try:
            parent = nesting.parent_of(each, matched)
            if parent is None or parent.index in done:  # where a parent does not fit, only that is told
                done[each.index] = _draft(each, done[parent.index] if parent else None, mode, mapping, dictionary)
        except PlanRefused as error:
            problems.append(error)
    if problems:
        raise _together(problems)
    return [done[index] for index in sorted(done)]


def tables(package: Package, metadata: Metadata, *, mapping: Mapping) -> list[str]:
    """The tables that the package's rows go to, each once: what a data dictionary is asked for. Raises PlanRefused."""
    matched = _match_all(package, metadata, mapping)
    kinds = [kind.type_name.rpartition("_")[2] for each in matched for kind in each.record.table.derived]
    return list(dict.fromkeys([*(each.record.table.name for each in matched if not each.record.operation), *kinds]))


def _together(problems: Sequence[PlanRefused]) -> PlanRefused:
    """All that must be changed, so that it is changed in one go."""
    if len(problems) == 1:
        return problems[0]
    told = "\n".join(f"- {problem}" for problem in problems)
    return PlanRefused(f"{len(problems)} entities do not fit this endpoint:", advice=f"\n{told}")


def check_entities(package: Package, mapping: Mapping) -> None:
    """Refuse a mapping that speaks of entities which the package does not have. Raises PlanRefused."""
    entities = [action.entity for action in package.actions]
    for name, said in mapping.table.items():
        for entity in (name, *said.after):
            if entity not in entities:
                raise PlanRefused(
                    f"the mapping names {entity!r}, which the package does not have.",
                    advice=names.meant(entity, entities) or f"The package has {', '.join(map(repr, entities))}.",
                )


def _match_all(package: Package, metadata: Metadata, mapping: Mapping) -> list[Matched]:
    known, calls = matching.records(metadata), operations.records(metadata)
    matched, unknown = [], []
    for index, action in enumerate(package.actions):
        said = mapping.of(action.entity)
        if said.via == "dixf":
            record = ways.flat_record(action, said)
            matched.append(Matched(index=index, action=action, record=record, reason="the mapping says DIXF", said=said))
            continue
        if (called := _called(action, said, calls, mapping)) is not None:
            matched.append(Matched(index=index, action=action, record=called[0], reason=called[1], said=said))
            continue
        if (found := _record(said, action.entity, known)) is None:
            unknown.append(action.entity)
            continue
        matched.append(Matched(index=index, action=action, record=found[0], reason=found[1], said=said))
    if unknown:
        raise matching.unknown(unknown, known)
    return matched


def _record(said: TableMapping, entity: str, known: Sequence[Record]) -> tuple[Record, str] | None:
    """The record that an entity means, and why: one that is nested where the mapping says, if it has such a name.

    None where no name fits. Raises PlanRefused.
    """
    holder = normalized(said.parent.target) if said.parent else ""
    within = [record for record in known if holder and record.path and normalized(record.path[-1]) == holder]
    if said.target is None:
        return matching.by_name(entity, within) or matching.by_name(entity, known)
    with contextlib.suppress(PlanRefused):
        return matching.by_target(said.target, entity, within)
    return matching.by_target(said.target, entity, known)


def _called(action: Action, said: TableMapping, calls: Sequence[Record], mapping: Mapping) -> tuple[Record, str] | None:
    """The operation that an entity's rows are calls of, or entries of a list in it, and why; None where they are records."""
    if said.call == "class":
        return actions.class_record(said, action.entity, calls, mapping.classes)
    if said.target is None:
        return None
    record = operations.by_target(said.target, action.entity, calls)
    return None if record is None else (record, f"the mapping says {said.target}")


def _draft(matched: Matched, parent: Draft | None, mode: Mode, mapping: Mapping, dictionary: Dictionary) -> Draft:
    link = nesting.link(matched, parent.matched, _key_columns(parent)) if parent else ()
    if matched.record.operation:
        possible = parent.mode if parent else ways.calling(matched.said, mode, matched.action)
        return _call_draft(matched, parent, link, possible, mapping, knowing.idempotent(matched.record, dictionary))
    ways.check(matched.said, parent.matched.said if parent else None, matched.action)
    matched, kind = kinds.typed(matched, parent.matched if parent else None)
    kinds.check_document(matched, parent.matched if parent else None)
    table, said = matched.record.table, matched.said
    matches = columns.match(matched.action, table, said, linking=[mine for mine, _ in link])
    if parent is not None:
        key, possible = _nested_key(matched, parent), parent.mode
    else:
        found = keys.key(matched.action, matched.record, matches, said, matched.known)
        possible, reason = keys.mode(mode, found, matched.action)
        possible, key = ways.mode(said, possible, replace(found, reason=reason), matched.action)
    nesting.check_delete(matched, parent.matched if parent else None, possible)
    structures.check_update(matched.action, table, matches.layout(), said, possible)
    key = keys.dated(key, table, matches, said)
    return Draft(
        matched=matched,
        matches=matches,
        key=key,
        mode=possible,
        type=kind,
        timed=kinds.timed(matched, matches, possible, decided=parent is not None and parent.timed),
        parent=parent.matched.index if parent else None,
        link=link,
        notices=(*_notices(matched, matches), *editing.notices(matched, matches, key, possible)),
    )


def _call_draft(
    matched: Matched, parent: Draft | None, link: tuple[Link, ...], mode: Mode, mapping: Mapping, idempotent: bool | None
) -> Draft:
    action, record, said = matched.action, matched.record, matched.said
    call = actions.call(action, record, said, mapping.classes, idempotent=idempotent)
    linking = [mine for mine, _ in link]
    matches = parameters.match(action, record, said, call.constants, linking=linking, entries=call.entries)
    key = _nested_key(matched, parent) if parent else Key(fields=(), reason=call.reason)
    return Draft(
        matched=matched,
        matches=matches,
        key=key,
        mode=mode,
        parent=parent.matched.index if parent else None,
        link=link,
        notices=(),
        call=call,
    )


def _nested_key(matched: Matched, parent: Draft) -> Key:
    """Nested rows are found through their parent; a key among them is never guessed."""
    travels = f"its rows travel in those of {parent.entity}"
    fields = matched.said.key
    return Key(fields=fields, reason=f"the mapping says so; {travels}" if fields else travels)


def _key_columns(parent: Draft) -> list[tuple[str, str]]:
    """(column, field) of the parent's key; where a nested parent has none, of its own link."""
    found = [(match.column, field) for field in parent.key.fields if (match := parent.matches.column_of(field))]
    own = [parent.matched.action.columns[mine] for mine, _ in parent.link]
    return found or [(column, parent.matches.field_of(column) or column) for column in own]


def _notices(matched: Matched, matches: Matches) -> tuple[str, ...]:
    unfilled = columns.unfilled(matches, matched.record.table, matched.said, matched.known)
    if not unfilled:
        return ()
    told = ", ".join(unfilled)
    return (
        f"{matched.action}: {matched.record.table.name} demands {told}, which nothing fills; rows fail unless AX has a default.",
    )


def root_of(each: Draft, found: Sequence[Draft]) -> int:
    """The index of the action in whose rows an action's rows travel in the end: its own, for a root."""
    while each.parent is not None:
        each = found[each.parent]
    return each.matched.index
