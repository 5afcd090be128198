"""Package + metadata + mapping -> plan. Each question has a module of its own; here they are asked in turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector.errors import PlanRefused
from connector.intake.values import Package
from connector.plan import columns, keys, matching, names, nesting, ordering, references
from connector.plan.columns import Matches
from connector.plan.keys import Key
from connector.plan.mapping import Mapping
from connector.plan.nesting import Matched
from connector.plan.values import Link, Plan, Step
from connector.wire.jobs import Blank, Layout, Mode, Target
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


def make(package: Package, metadata: Metadata, *, mapping: Mapping, mode: Mode, blank: Blank, only: str | None = None) -> Plan:
    """The steps that load the package into this endpoint, in order, each with the reason for every choice.

    `only` (a step's number, entity or table) keeps that step with the steps that it is nested in or that are nested in it;
    numbers stay as they were. A key that
    is only guessed turns `upsert` into `create`. Raises PlanRefused when package, mapping and endpoint do not fit,
    PackageRefused when rows cannot be read for a guess.
    """
    drafts = draft(package, metadata, mapping=mapping, mode=mode)
    return assemble(drafts, package, metadata, mapping=mapping, blank=blank, only=only)


def assemble(
    drafts: Sequence[Draft], package: Package, metadata: Metadata, *, mapping: Mapping, blank: Blank, only: str | None = None
) -> Plan:
    """The plan that all drafts of a package make. Raises PlanRefused."""
    ranks = rank(package, drafts, mapping)
    steps = _steps(drafts, ranks, metadata, blank)
    notices = (*(notice for each in drafts for notice in each.notices), *ranks.notices)
    return Plan(steps=_chosen(steps, only), notices=notices)


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
        key = replace(found, reason=reason)
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


def rank(package: Package, drafts: Sequence[Draft], mapping: Mapping) -> ordering.Ranks:
    """The rank of each root draft, in their order. Raises PlanRefused."""
    by_index = {each.matched.index: each for each in drafts}
    labels = names.labels(package.actions)
    root_of = [labels[_root(by_index[index], by_index)] for index in range(len(labels))]
    after = _after(package, mapping, root_of)
    nodes = [
        ordering.Node(entity=label, file=action.file, order=action.order, after=after.get(label, ()))
        for label, action, root in zip(labels, package.actions, root_of, strict=True)
        if label == root
    ]
    referring = [
        references.Referring(record=each.matched.record, root=root, matches=each.matches, key=each.key)
        for each, root in zip(drafts, root_of, strict=True)
    ]
    return ordering.ranks(nodes, references.edges(referring), form=package.format)


def _after(package: Package, mapping: Mapping, root_of: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the mapping puts before each root: nested rows speak for the root that carries them."""
    found: dict[str, tuple[str, ...]] = {}
    for action, root in zip(package.actions, root_of, strict=True):
        wanted = mapping.of(action.entity).after
        before = (label for other, label in zip(package.actions, root_of, strict=True) if other.entity in wanted)
        found[root] = (*found.get(root, ()), *(label for label in before if label != root))
    return found


def _root(each: Draft, by_index: dict[int, Draft]) -> int:
    while each.parent is not None:
        each = by_index[each.parent]
    return each.matched.index


def _steps(drafts: Sequence[Draft], ranks: ordering.Ranks, metadata: Metadata, blank: Blank) -> tuple[Step, ...]:
    roots = [each for each in drafts if each.parent is None]
    ranked = dict(zip((each.matched.index for each in roots), ranks.of, strict=True))
    ordered: list[Draft] = []

    def place(each: Draft) -> None:
        ordered.append(each)
        for nested in drafts:
            if nested.parent == each.matched.index:
                place(nested)

    for root in sorted(roots, key=lambda each: ranked[each.matched.index][0]):
        place(root)
    numbers = {each.matched.index: number for number, each in enumerate(ordered, start=1)}
    by_index = {each.matched.index: each for each in drafts}
    layouts: dict[int, Layout] = {}
    for each in reversed(ordered):  # nested layouts stand ready when their parent's is made
        children = [layouts[nested.matched.index] for nested in ordered if nested.parent == each.matched.index]
        layouts[each.matched.index] = _layout(each, numbers[each.matched.index], blank, tuple(children))
    return tuple(
        _step(each, by_index, numbers, layouts[each.matched.index], ranked[_root(each, by_index)], metadata.fingerprint)
        for each in ordered
    )


def _layout(each: Draft, number: int, blank: Blank, children: tuple[Layout, ...]) -> Layout:
    action, said = each.matched.action, each.matched.said
    return Layout(
        step=number,
        entity=action.entity,
        file=action.file,
        sheet=action.sheet,
        table=each.matched.record.table.name,
        columns=each.matches.layout(),
        constants=dict(said.constants),
        key=each.key.fields,
        blank=said.blank or blank,
        children=children,
    )


def _step(
    each: Draft, by_index: dict[int, Draft], numbers: dict[int, int], layout: Layout, ranked: tuple[int, str], fingerprint: str
) -> Step:
    action, record = each.matched.action, each.matched.record
    parent = by_index[each.parent] if each.parent is not None else None
    mine, reason = _carried(each, by_index), each.matched.reason
    if parent is not None:
        theirs = _carried(parent, by_index)
        pairs = ", ".join(f"{action.columns[c]} = {parent.matched.action.columns[p]}" for c, p in each.link)
        reason = f"{reason}; its rows are nested in those of {parent.entity} ({pairs})"
    return Step(
        no=numbers[each.matched.index],
        entity=action.entity,
        file=action.file,
        sheet=action.sheet,
        action_index=each.matched.index,
        table=record.table.name,
        target=Target(
            address=record.service.address, port=record.service.port, service=record.service.name, contract=fingerprint
        ),
        layout=layout,
        rank=ranked[0],
        rank_reason=ranked[1] if parent is None else f"with {parent.entity}",
        match_reason=reason,
        key_reason=each.key.reason,
        key_is_guess=each.key.is_guess,
        mode=each.mode,
        parent_step=numbers[parent.matched.index] if parent else None,
        link=tuple((mine.index(c), theirs.index(p)) for c, p in each.link) if parent else (),
        unit=tuple(mine.index(index) for index in _unit(each)),
        carried=mine,
    )


def _unit(each: Draft) -> tuple[int, ...]:
    """Column indexes of the mapping's unit, which names columns or fields. Raises PlanRefused."""
    action, found = each.matched.action, []
    for name in each.matched.said.unit:
        match = each.matches.column_of(name)
        if name not in action.columns and match is None:
            raise PlanRefused(f"the mapping's unit {name!r} is no column of {action}.", advice=names.meant(name, action.columns))
        found.append(action.columns.index(name) if match is None else match.index)
    return tuple(found)


def _carried(each: Draft, by_index: dict[int, Draft]) -> tuple[int, ...]:
    """The cells that planning needs of a row: the layout's columns, and behind them those of links and unit only."""
    nested = [theirs for other in by_index.values() if other.parent == each.matched.index for _, theirs in other.link]
    wanted = (*(match.index for match in each.matches.filled), *(mine for mine, _ in each.link), *nested, *_unit(each))
    return tuple(dict.fromkeys(wanted))


def _chosen(steps: tuple[Step, ...], only: str | None) -> tuple[Step, ...]:
    if only is None:
        return steps
    wanted = normalized(only)
    chosen = {step.no for step in steps if str(step.no) == only or wanted in {normalized(step.entity), normalized(step.table)}}
    if not chosen:
        known = [step.entity for step in steps]
        raise PlanRefused(f"there is no step {only!r}.", advice=names.meant(only, known) or f"Steps are {', '.join(known)}.")
    parents = {step.no: step.parent_step for step in steps}

    def root(no: int) -> int:
        parent = parents[no]
        return no if parent is None else root(parent)

    kept = {root(no) for no in chosen}
    return tuple(step for step in steps if root(step.no) in kept)
