"""Everything that can be said of a package before it is loaded: entities, columns, keys, order; with metadata, each match."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from connector.errors import PlanRefused
from connector.intake.keys import guess_key
from connector.intake.values import Action, Package
from connector.plan import drafts, facts, making, names, ordering, takes
from connector.plan.columns import Match
from connector.plan.drafts import Draft
from connector.plan.mapping import Mapping
from connector.plan.values import Step
from connector.wire.dictionary import Dictionary
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Metadata

_SAMPLE_ROWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnShown:
    """A column, the field that it fills (None: none, or not known yet), and why."""

    column: str
    field: str | None = None
    reason: str = ""
    part: str = ""
    """the part of the field, as a dimension"""
    takes: str = ""
    """what its cells may be, where that is not any text"""
    known: str = ""
    """what AX's data dictionary says of the field; "" where it was not imported"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityShown:
    """One action. What depends on an endpoint is None or "" where no metadata was given."""

    entity: str
    file: str
    sheet: str | None
    columns: tuple[ColumnShown, ...]
    sample: tuple[tuple[str | None, ...], ...]
    """the first rows"""
    key: tuple[str, ...]
    key_is_guess: bool
    key_reason: str
    rank: int
    rank_reason: str
    step: int | None = None
    target: str | None = None
    """Port/Service.Table"""
    match_reason: str = ""
    mode: str | None = None
    parent: int | None = None
    known: str = ""
    """what AX's data dictionary says of the table; "" where it was not imported"""
    later: tuple[str, ...] = ()
    """fields that a second pass over the same rows fills"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A package as it would be loaded, or why it would not be. `dataclasses.asdict` makes JSON of it."""

    name: str
    format: str
    entities: tuple[EntityShown, ...]
    notices: tuple[str, ...]
    refused: str | None = None
    """why it cannot be loaded into this endpoint as it is"""


def describe(
    package: Package,
    metadata: Metadata | None = None,
    *,
    mapping: Mapping,
    mode: Mode = Mode.UPSERT,
    blank: Blank = Blank.KEEP,
    dictionary: Dictionary | None = None,
) -> Inspection:
    """Every match, guess and reason, in the order of the steps; without metadata what the package says by itself.

    A package that does not fit the endpoint is described by itself, with the refusal. Raises PackageRefused.
    """
    if metadata is None:
        return _alone(package, mapping)
    known = dictionary or Dictionary()
    try:
        found = drafts.draft(package, metadata, mapping=mapping, mode=mode, dictionary=known)
        plan = making.assemble(found, package, metadata, mapping=mapping, blank=blank, dictionary=known)
    except PlanRefused as error:
        return _alone(package, mapping, refused=str(error))
    shown = tuple(_planned(step, found[step.action_index]) for step in plan.steps)
    return Inspection(name=package.name, format=package.format, entities=shown, notices=(*package.notices, *plan.notices))


def _planned(step: Step, draft: Draft) -> EntityShown:
    columns = (_matched(each, draft) for each in draft.matches.all)
    return EntityShown(
        entity=step.entity,
        file=step.file,
        sheet=step.sheet,
        columns=tuple(columns),
        sample=_sample(draft.matched.action),
        key=step.layout.key,
        key_is_guess=step.key_is_guess,
        key_reason=step.key_reason,
        rank=step.rank,
        rank_reason=step.rank_reason,
        step=step.no,
        target=str(draft.matched.record),
        match_reason=step.match_reason,
        mode=None if draft.call else step.mode.value,
        parent=step.parent_step,
        known=facts.of_table(draft.matched.known) if draft.matched.known else "",
        later=step.later,
    )


def _matched(match: Match, draft: Draft) -> ColumnShown:
    table, said = draft.matched.record.table, draft.matched.said
    fits = takes.takes(table, match.as_column(), said) if match.field and not draft.call else ""
    known = facts.of_field(draft.matched.known, match.field) if draft.matched.known and match.field else ""
    return ColumnShown(column=match.column, field=match.field, reason=match.reason, part=match.part, takes=fits, known=known)


def _alone(package: Package, mapping: Mapping, *, refused: str | None = None) -> Inspection:
    try:
        drafts.check_entities(package, mapping)
        ranks = _ranks(package, mapping)
    except PlanRefused as error:
        refused, ranks = refused or str(error), _ranks(package, Mapping())
    shown: Sequence[EntityShown] = [_unplanned(*each, mapping) for each in zip(package.actions, ranks.of, strict=True)]
    return Inspection(
        name=package.name,
        format=package.format,
        entities=tuple(sorted(shown, key=lambda each: each.rank)),
        notices=(*package.notices, *ranks.notices),
        refused=refused,
    )


def _ranks(package: Package, mapping: Mapping) -> ordering.Ranks:
    nodes = [
        ordering.Node(
            entity=label, file=action.file, order=action.order, after=_labelled(mapping.of(action.entity).after, package)
        )
        for label, action in zip(names.labels(package.actions), package.actions, strict=True)
    ]
    return ordering.ranks(nodes, (), form=package.format)


def _labelled(entities: Sequence[str], package: Package) -> tuple[str, ...]:
    pairs = zip(names.labels(package.actions), package.actions, strict=True)
    return tuple(label for label, action in pairs if action.entity in entities)


def _unplanned(action: Action, ranked: tuple[int, str], mapping: Mapping) -> EntityShown:
    said = mapping.of(action.entity)
    columns = (ColumnShown(column=column, field=said.fields.get(column) or None) for column in action.columns)
    if said.key:
        key, reason, guessed = said.key, "the mapping says so", False
    elif action.declared_key:
        key, reason, guessed = action.declared_key, "the package declares it", False
    else:
        key, reason, guessed = guess_key(action), "a guess: the shortest leading columns that are unique in the file", True
    return EntityShown(
        entity=action.entity,
        file=action.file,
        sheet=action.sheet,
        columns=tuple(columns),
        sample=_sample(action),
        key=key,
        key_is_guess=guessed,
        key_reason=reason,
        rank=ranked[0],
        rank_reason=ranked[1],
        target=said.target,
    )


def _sample(action: Action) -> tuple[tuple[str | None, ...], ...]:
    return tuple(tuple(row.cells) for row in islice(action.rows(), _SAMPLE_ROWS))
