"""Drafts in their order become numbered steps with the layouts that travel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from connector.errors import PlanRefused
from connector.plan import knowing, names, structures, ways
from connector.plan.drafts import Draft, root_of
from connector.plan.ordering import Ranks
from connector.plan.passes import Again
from connector.plan.values import PER_COMPANY, Step
from connector.wire.jobs import Blank, Layout
from connector.wire.metadata import normalized


def made_of(
    found: Sequence[Draft], ranks: Ranks, *, fingerprint: str, blank: Blank, again: Mapping[int, Again]
) -> tuple[Step, ...]:
    """A step for each draft (they stand in the order of their actions), by rank, a nested one behind its parent.

    `ranks` are those of the roots, in the order of the drafts; `again` is by the index of a root's action. Raises PlanRefused.
    """
    roots = [each.matched.index for each in found if each.parent is None]
    ranked = dict(zip(roots, ranks.of, strict=True))
    ordered = [each for root in sorted(roots, key=lambda index: ranked[index][0]) for each in _tree(found[root], found)]
    numbers = {each.matched.index: number for number, each in enumerate(ordered, start=1)}
    layouts: dict[int, Layout] = {}
    for each in reversed(ordered):  # nested layouts stand ready when their parent's is made
        children = tuple(layouts[nested.matched.index] for nested in ordered if nested.parent == each.matched.index)
        layouts[each.matched.index] = _layout(each, numbers[each.matched.index], blank, children)
    made = (
        _step(each, found, numbers, layouts[each.matched.index], ranked[root_of(each, found)], fingerprint) for each in ordered
    )
    return tuple(_twice(step, again[step.action_index]) if step.action_index in again else step for step in made)


def _twice(step: Step, again: Again) -> Step:
    """The step with what the order leaves to a second pass."""
    reason = f"{step.rank_reason}; {again.reason}"
    return replace(step, later=again.later, last_rank=again.rank, in_turn=again.in_turn, rank_reason=reason)


def _tree(each: Draft, found: Sequence[Draft]) -> Iterator[Draft]:
    yield each
    for nested in found:
        if nested.parent == each.matched.index:
            yield from _tree(nested, found)


def _layout(each: Draft, number: int, blank: Blank, children: tuple[Layout, ...]) -> Layout:
    action, said, table = each.matched.action, each.matched.said, each.matched.record.table
    columns = each.matches.layout()
    return Layout(
        step=number,
        entity=action.entity,
        file=action.file,
        sheet=action.sheet,
        table=table.name,
        columns=columns,
        constants=dict(each.call.constants if each.call else _constants(each)),
        type=each.type,
        document=dict(said.document),
        structures=dict(each.call.structures if each.call else structures.told(table, columns, said)),
        key=each.key.fields,
        blank=said.blank or blank,
        deletes=said.delete,
        unit=_unit_fields(each),
        children=children,
    )


def _constants(each: Draft) -> Iterator[tuple[str, str]]:
    """The mapping's constants, labels by the symbols that they mean."""
    for name, text in each.matched.said.constants.items():
        yield name, each.matched.spellings.get(name, {}).get(text.strip().casefold(), text)


def _step(
    each: Draft, found: Sequence[Draft], numbers: dict[int, int], layout: Layout, ranked: tuple[int, str], fingerprint: str
) -> Step:
    action, record = each.matched.action, each.matched.record
    parent = found[each.parent] if each.parent is not None else None
    mine, reason = _carried(each, found), each.matched.reason
    if parent is not None:
        theirs = _carried(parent, found)
        pairs = ", ".join(f"{action.columns[c]} = {parent.matched.action.columns[p]}" for c, p in each.link)
        reason = f"{reason}; its rows are nested in those of {parent.entity} ({pairs})"
    reason += ways.told(each.matched.said)
    kind, options = (each.call.kind, each.call.options) if each.call else ways.task(each.matched.said, each.mode)
    return Step(
        no=numbers[each.matched.index],
        entity=action.entity,
        file=action.file,
        sheet=action.sheet,
        action_index=each.matched.index,
        table=record.table.name,
        target=record.target(fingerprint),
        layout=layout,
        record=record.table,
        rank=ranked[0],
        rank_reason=ranked[1] if parent is None else f"with {parent.entity}",
        match_reason=reason,
        key_reason=each.key.reason,
        key_is_guess=each.key.is_guess,
        mode=each.mode,
        kind=kind,
        options=options,
        parent_step=numbers[parent.matched.index] if parent else None,
        link=tuple((mine.index(c), theirs.index(p)) for c, p in each.link) if parent else (),
        scope=_scope(each),
        unit=tuple(mine.index(index) for index in _unit(each)),
        carried=mine,
        spellings=_spellings(each, mine),
        refers=knowing.refers(each.matched.known) if each.matched.known else {},
    )


def _spellings(each: Draft, carried: Sequence[int]) -> dict[int, Mapping[str, str]]:
    """By the index of a row's cell."""
    filled = {match.index: match.field for match in each.matches.filled if not match.part}
    spellings = each.matched.spellings
    return {place: spellings[field] for place, index in enumerate(carried) if (field := filled.get(index) or "") in spellings}


def _scope(each: Draft) -> str:
    """How far the rows of an entity reach, by the mapping, or by what is told of their table."""
    said, per_company = each.matched.said.scope, each.matched.record.table.per_company
    if said is not None or per_company is None:
        return said or ""
    known = each.matched.known
    return PER_COMPANY if per_company else knowing.scope(known) if known else "partition"


def _unit(each: Draft) -> tuple[int, ...]:
    """Column indexes of the mapping's unit, which names columns or fields. Raises PlanRefused."""
    action = each.matched.action
    found: list[int] = []
    for name in each.matched.said.unit:
        match = each.matches.column_of(name)
        if name not in action.columns and match is None:
            raise PlanRefused(f"the mapping's unit {name!r} is no column of {action}.", advice=names.meant(name, action.columns))
        found.append(action.columns.index(name) if match is None else match.index)
    return tuple(found)


def _unit_fields(each: Draft) -> tuple[str, ...]:
    """The fields of the unit: by them a worker knows which records must not be divided. Raises PlanRefused."""
    filled = {match.index: match.field for match in each.matches.filled}
    fields = [filled.get(index) for index in _unit(each)]
    if None in fields:
        raise PlanRefused(
            f"a column of the mapping's unit of {each.entity} fills no field.",
            advice="Name columns that are loaded: only by their values can a worker keep the rows together.",
        )
    return tuple(field for field in fields if field is not None)


def _carried(each: Draft, found: Sequence[Draft]) -> tuple[int, ...]:
    """The cells that planning needs of a row: the layout's columns, and behind them those of links and unit only."""
    nested = [theirs for other in found if other.parent == each.matched.index for _, theirs in other.link]
    wanted = (*(match.index for match in each.matches.filled), *(mine for mine, _ in each.link), *nested, *_unit(each))
    return tuple(dict.fromkeys(wanted))


def chosen(steps: tuple[Step, ...], only: str | None) -> tuple[Step, ...]:
    """The steps that `only` names, with all that travels together with them. Raises PlanRefused."""
    if only is None:
        return steps
    wanted = normalized(only)
    picked = {step.no for step in steps if str(step.no) == only or wanted in {normalized(step.entity), normalized(step.table)}}
    if not picked:
        known = [step.entity for step in steps]
        raise PlanRefused(f"there is no step {only!r}.", advice=names.meant(only, known) or f"Steps are {', '.join(known)}.")
    parents = {step.no: step.parent_step for step in steps}

    def root(no: int) -> int:
        parent = parents[no]
        return no if parent is None else root(parent)

    kept = {root(no) for no in picked}
    return tuple(step for step in steps if root(step.no) in kept)
