"""What is found out about each action by itself: its record, columns, key, and the action that its rows are nested in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector.errors import PlanRefused
from connector.intake.values import Package
from connector.plan import columns, keys, matching, names, nesting, ways
from connector.plan.columns import Matches
from connector.plan.keys import Key
from connector.plan.mapping import Mapping
from connector.plan.nesting import Matched
from connector.plan.values import Link
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

    @property
    def entity(self) -> str:
        """The entity's name."""
        return self.matched.action.entity


def draft(package: Package, metadata: Metadata, *, mapping: Mapping, mode: Mode) -> list[Draft]:
    """The answers for each action of the package, in its order. Raises PlanRefused, PackageRefused."""
    check_entities(package, mapping)
    matched = _match_all(package, metadata, mapping)
    done: dict[int, Draft] = {}
    problems: list[PlanRefused] = []
    for each in sorted(matched, key=lambda each: len(each.record.path)):  # parents before what is nested in them
        try:
            parent = nesting.parent_of(each, matched)
            if parent is None or parent.index in done:  # where a parent does not fit, only that is told
                done[each.index] = _draft(each, done[parent.index] if parent else None, mode)
        except PlanRefused as error:
            problems.append(error)
    if problems:
        raise _together(problems)
    return [done[index] for index in sorted(done)]


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
                    f"the mapping names {entity!r}, which the package does not have.", advice=names.meant(entity, entities)
                )


def _match_all(package: Package, metadata: Metadata, mapping: Mapping) -> list[Matched]:
    known = matching.records(metadata)
    matched, unknown = [], []
    for index, action in enumerate(package.actions):
        said = mapping.of(action.entity)
        if said.via == "dixf":
            record = ways.flat_record(action, said)
            matched.append(Matched(index=index, action=action, record=record, reason="the mapping says DIXF", said=said))
            continue
        among = known
        if said.parent is not None:
            holder = normalized(said.parent.target)
            among = [record for record in known if record.path and normalized(record.path[-1]) == holder] or known
        if said.target is not None:
            found = matching.by_target(said.target, action.entity, among)
        elif (named := matching.by_name(action.entity, among)) is not None:
            found = named
        else:
            unknown.append(action.entity)
            continue
        matched.append(Matched(index=index, action=action, record=found[0], reason=found[1], said=said))
    if unknown:
        raise matching.unknown(unknown, known)
    return matched


def _draft(matched: Matched, parent: Draft | None, mode: Mode) -> Draft:
    link = nesting.link(matched, parent.matched, _key_columns(parent)) if parent else ()
    table, said = matched.record.table, matched.said
    matches = columns.match(matched.action, table, said, linking=[mine for mine, _ in link])
    if parent is not None:
        key, possible = _nested_key(matched, parent), parent.mode
    else:
        found = keys.key(matched.action, matched.record, matches, said)
        possible, reason = keys.mode(mode, found, matched.action)
        possible, key = ways.mode(said, possible, replace(found, reason=reason), matched.action)
    return Draft(
        matched=matched,
        matches=matches,
        key=key,
        mode=possible,
        parent=parent.matched.index if parent else None,
        link=link,
        notices=_notices(matched, matches),
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
    unfilled = columns.unfilled(matches, matched.record.table, matched.said)
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
