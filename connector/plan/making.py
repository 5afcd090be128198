"""Package + metadata + mapping -> plan: drafts of the actions, their order, and the steps that they become."""

from collections.abc import Iterator, Sequence

from connector.intake.values import Package
from connector.plan import drafts, names, ordering, passes, references, relations, steps
from connector.plan.drafts import Draft
from connector.plan.mapping import Mapping
from connector.plan.values import Plan
from connector.wire.dictionary import Dictionary
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Metadata


def make(
    package: Package,
    metadata: Metadata,
    *,
    mapping: Mapping,
    mode: Mode,
    blank: Blank,
    only: str | None = None,
    dictionary: Dictionary | None = None,
) -> Plan:
    """The steps that load the package into this endpoint, in order, each with the reason for every choice.

    `only` (a step's number, entity or table) keeps that step with the steps that it is nested in or that are nested in it;
    numbers stay as they were. A key that is only guessed turns `upsert` into `create`. `dictionary` is what AX itself says of
    the tables, where that was imported. Raises PlanRefused when package, mapping and endpoint do not fit, PackageRefused when
    rows cannot be read for a guess.
    """
    known = dictionary or Dictionary()
    found = drafts.draft(package, metadata, mapping=mapping, mode=mode, dictionary=known)
    return assemble(found, package, metadata, mapping=mapping, blank=blank, only=only, dictionary=known)


def assemble(
    found: Sequence[Draft],
    package: Package,
    metadata: Metadata,
    *,
    mapping: Mapping,
    blank: Blank,
    dictionary: Dictionary,
    only: str | None = None,
) -> Plan:
    """The plan that the drafts of all actions make. Raises PlanRefused."""
    nodes, ranks = _rank(package, found, mapping, dictionary)
    labels = names.labels(package.actions)
    again = {labels.index(label): each for label, each in passes.of(ranks, [node.entity for node in nodes]).items()}
    if any(each.mode is Mode.DELETE for each in found):
        ranks = ordering.backwards(ranks)
    made = steps.made_of(found, ranks, fingerprint=metadata.fingerprint, blank=blank, again=again)
    twice = [f"{package.actions[index].entity} goes {each.reason}." for index, each in again.items()]
    notices = (*(notice for each in found for notice in each.notices), *ranks.notices, *twice)
    return Plan(steps=steps.chosen(made, only), notices=notices)


def _rank(
    package: Package, found: Sequence[Draft], mapping: Mapping, dictionary: Dictionary
) -> tuple[list[ordering.Node], ordering.Ranks]:
    """The root drafts, in their order, and their ranks. Raises PlanRefused."""
    labels = names.labels(package.actions)
    roots = [labels[drafts.root_of(each, found)] for each in found]
    after = _after(package, mapping, roots)
    nodes = [
        ordering.Node(entity=label, file=action.file, order=action.order, after=after.get(label, ()))
        for label, action, root in zip(labels, package.actions, roots, strict=True)
        if label == root
    ]
    calls = [label for label, each in zip(labels, found, strict=True) if each.call and each.parent is None]
    edges = (*_references(found, labels, roots, dictionary), *ordering.kept_places(nodes, calls))
    return nodes, ordering.ranks(nodes, edges, form=package.format)


def _references(
    found: Sequence[Draft], labels: Sequence[str], roots: Sequence[str], dictionary: Dictionary
) -> Iterator[ordering.Edge]:
    """What the dictionary tells, and what else the contract shows."""
    told = list(relations.edges(found, labels, dictionary))
    yield from told
    referring = [
        references.Referring(record=each.matched.record, root=root, matches=each.matches, key=each.key)
        for each, root in zip(found, roots, strict=True)
    ]
    known = {(edge.before, edge.then) for edge in told}
    yield from (edge for edge in references.edges(referring) if (edge.before, edge.then) not in known)


def _after(package: Package, mapping: Mapping, roots: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the mapping puts before each root: nested rows speak for the root that carries them."""
    found: dict[str, tuple[str, ...]] = {}
    for action, root in zip(package.actions, roots, strict=True):
        wanted = mapping.of(action.entity).after
        before = (label for other, label in zip(package.actions, roots, strict=True) if other.entity in wanted)
        found[root] = (*found.get(root, ()), *(label for label in before if label != root))
    return found
