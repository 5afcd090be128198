"""In which order steps run, and why: the manifest's order, what the mapping demands, the package's own order, or references.

Where tables name each other, the fields that close the circle are left to a second pass; where none can be, no order exists.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from connector.errors import PlanRefused
from connector.intake.values import Order, PackageFormat

_NUMBERED = re.compile(r"\d+")
#: A call has as many edges as entities stand before it: one sentence for all of them.
_PLACE = "after all that stands before it, as a call keeps its place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A root step to be ordered; nodes come in the package's order."""

    entity: str
    file: str
    order: Order | None = None
    after: tuple[str, ...] = ()
    """entities that the mapping puts before this one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One entity that must be loaded before another."""

    before: str
    then: str
    because: str
    by: Literal["mapping", "relation", "reference", "sheets", "place"] = "reference"
    """a `relation` is one that AX holds rows to: its data dictionary says so"""
    fields: tuple[str, ...] = ()
    """of a relation: the fields of `then` that a second pass may fill"""
    stuck: str = ""
    """of a relation: why no second pass can, as "is mandatory"; "" where one can"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """A rank from 1 and its reason for each node, in the order of the nodes."""

    of: tuple[tuple[int, str], ...]
    notices: tuple[str, ...] = ()
    later: tuple[Edge, ...] = ()
    """relations that the order does not keep: their fields are filled in a second pass"""
    in_turn: tuple[Edge, ...] = ()
    """relations of entities with themselves that cannot wait: their rows go in the order of the file"""


@dataclass(slots=True)
class _Graph:
    """What comes before what; never a cycle."""

    edges: dict[str, list[Edge]] = field(default_factory=dict)

    def add(self, edge: Edge) -> list[Edge]:
        """Add an edge, or return those that make a circle with it: a way from its end back to its beginning."""
        way = self._way(edge.then, edge.before)
        if not way:
            self.edges.setdefault(edge.then, []).append(edge)
        return way

    def _way(self, start: str, end: str) -> list[Edge]:
        """A way from `start` to `end` along edges from before to then; [] when there is none."""
        onward, waiting = dict[str, Edge](), [end]
        while waiting and start not in onward:
            for edge in self.before(waiting.pop()):
                if edge.before not in onward:
                    onward[edge.before] = edge
                    waiting.append(edge.before)
        way = [onward[start]] if start in onward else []
        while way and way[-1].then != end:
            way.append(onward[way[-1].then])
        return way

    def before(self, name: str) -> list[Edge]:
        return self.edges.get(name, [])


def ranks(nodes: Sequence[Node], references: Iterable[Edge], *, form: PackageFormat) -> Ranks:
    """Rank the nodes. Raises PlanRefused when the mapping's `after`, or relations that cannot wait, go round in a circle."""
    given = list(references)
    own = tuple(edge for edge in given if edge.before == edge.then and edge.by == "relation")
    found = _ranked(nodes, [edge for edge in given if edge.before != edge.then], form)
    waiting = (*found.later, *(edge for edge in own if not edge.stuck))
    return replace(found, later=waiting, in_turn=tuple(edge for edge in own if edge.stuck))


def _ranked(nodes: Sequence[Node], references: Sequence[Edge], form: PackageFormat) -> Ranks:
    """Rank the nodes; no reference is one of an entity to itself."""
    if all(node.order is not None for node in nodes):
        return _by_manifest(nodes, references)
    graph, notices, later = _graph(nodes, references)
    own = _own_order(nodes, form)
    if own:
        return Ranks(of=_one_by_one(nodes, graph, own), notices=notices, later=later)
    if any(edge.by != "place" for edges in graph.edges.values() for edge in edges):
        _keep_sheets(nodes, graph)
        return Ranks(of=_levels(nodes, graph), notices=notices, later=later)
    reason = "no order is known: alphabetical, one after another"
    return Ranks(of=_one_by_one(nodes, graph, reason), notices=notices, later=later)


def backwards(found: Ranks) -> Ranks:
    """The order in which the same entities are deleted: AX keeps a record as long as others refer to it."""
    last = 1 + max((rank for rank, _ in found.of), default=0)
    if last <= 2:
        return found
    return replace(found, of=tuple((last - rank, f"in mode delete the other way round: {reason}") for rank, reason in found.of))


def kept_places(nodes: Sequence[Node], calls: Sequence[str]) -> Iterator[Edge]:
    """What stands before a call in the package comes before it: nobody knows what an operation looks at."""
    for place, node in enumerate(nodes):
        if node.entity in calls:
            yield from (
                Edge(before=other.entity, then=node.entity, because="a call keeps its place", by="place")
                for other in nodes[:place]
            )


def _by_manifest(nodes: Sequence[Node], references: Sequence[Edge]) -> Ranks:
    places = {order: rank for rank, order in enumerate(sorted({node.order for node in nodes if node.order}), start=1)}
    rank = {node.entity: places[node.order] for node in nodes if node.order}
    ignored = [node.entity for node in nodes if node.after]
    notices = [f"`after` of {', '.join(ignored)} is not used: the manifest gives the order."] if ignored else []
    relations = [edge for edge in references if edge.by == "relation"]
    against = [edge for edge in relations if rank[edge.before] >= rank[edge.then]]
    notices += [
        f"the manifest loads {edge.then} no later than {edge.before}, though {edge.because}." for edge in against if edge.stuck
    ]
    return Ranks(
        of=tuple((places[node.order], f"the manifest: {node.order}") for node in nodes if node.order),
        notices=tuple(notices),
        later=tuple(edge for edge in against if not edge.stuck),
    )


def _own_order(nodes: Sequence[Node], form: PackageFormat) -> str:
    """Why the package's order is meant as one; "" when it is only the alphabet's."""
    if form == "datapackage":
        return "the order of the manifest"
    if len({node.file for node in nodes}) == 1:
        return "the order of the sheets" if len(nodes) > 1 else "the only one"
    if all(_NUMBERED.match(node.file.rpartition("/")[2]) for node in nodes):
        return "the number in front of the file's name"
    return ""


def _graph(nodes: Sequence[Node], references: Iterable[Edge]) -> tuple[_Graph, tuple[str, ...], tuple[Edge, ...]]:
    """All edges that do not contradict each other, notices of those that do, and those that wait for a second pass.

    The mapping's come first, then relations that cannot wait. A reference that closes a circle is let go.
    """
    graph = _demanded(nodes)
    notices: list[str] = []
    later: list[Edge] = []
    for edge in sorted(references, key=_weight):
        if not (circle := graph.add(edge)):
            continue
        if edge.by == "relation" and not edge.stuck:
            later.append(edge)
        elif edge.by == "relation" and all(other.by == "relation" for other in circle):
            raise _no_order((edge, *circle))
        elif edge.by in ("relation", "reference"):
            told = ", ".join(other.before for other in (*circle, edge))
            notices.append(f"{told} refer to each other: that {edge.because} is not used for the order.")
    return graph, tuple(notices), tuple(later)


def _demanded(nodes: Sequence[Node]) -> _Graph:
    """What the mapping's `after` demands. Raises PlanRefused where it goes round in a circle."""
    graph = _Graph()
    for node in nodes:
        for other in node.after:
            edge = Edge(before=other, then=node.entity, because="the mapping says so", by="mapping")
            if circle := graph.add(edge):
                names = [*(step.before for step in circle), other]
                raise PlanRefused(
                    f"`after` goes round in a circle: {' before '.join([*names, names[0]])}.", advice="Remove one of them."
                )
    return graph


def _weight(edge: Edge) -> int:
    """What goes first where not all can be kept; the order among equals stays."""
    if edge.by == "relation":
        return 0 if edge.stuck else 1
    return 2 if edge.by == "reference" else 3


def _no_order(circle: Sequence[Edge]) -> PlanRefused:
    names = " and ".join(dict.fromkeys(edge.then for edge in circle))
    told = "; ".join(dict.fromkeys(f"{edge.because} and {edge.stuck}" for edge in circle))
    return PlanRefused(
        f"{names} name each other, so that none of them can be loaded before the others: {told}.",
        advice="Load records of one of them first, without this field, if AX takes them so. Where AX holds already what one of "
        f'them names, say so in the mapping: [table."{circle[0].then}"] after = ["{circle[0].before}"], or the other way round.',
    )


def _keep_sheets(nodes: Sequence[Node], graph: _Graph) -> None:
    """Keep the order of sheets within each of several workbooks, as far as nothing stronger speaks against it."""
    for one, other in pairwise(nodes):
        if one.file == other.file:
            graph.add(Edge(before=one.entity, then=other.entity, because="its sheet comes later", by="sheets"))


def _one_by_one(nodes: Sequence[Node], graph: _Graph, reason: str) -> tuple[tuple[int, str], ...]:
    """The nodes' order, where each waits for what must come before it."""
    waiting, done = list(nodes), list[str]()
    names = {node.entity for node in nodes}
    while waiting:
        free = next(n for n in waiting if all(e.before in done or e.before not in names for e in graph.before(n.entity)))
        waiting.remove(free)
        done.append(free.entity)
    kept = [node.entity for node in nodes]
    return tuple((done.index(node.entity) + 1, _told(node, kept, graph, reason)) for node in nodes)


def _told(node: Node, kept: Sequence[str], graph: _Graph, reason: str) -> str:
    """The reason, and what moved the node behind another that stood after it."""
    moved = [e for e in graph.before(node.entity) if e.before in kept and kept.index(e.before) > kept.index(node.entity)]
    return "; ".join([reason, *(f"after {edge.before}, as {edge.because}" for edge in moved)])


def _levels(nodes: Sequence[Node], graph: _Graph) -> tuple[tuple[int, str], ...]:
    names = {node.entity for node in nodes}
    level: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in level:
            level[name] = 1 + max((of(edge.before) for edge in graph.before(name) if edge.before in names), default=0)
        return level[name]

    return tuple((of(node.entity), _because(graph.before(node.entity))) for node in nodes)


def _because(edges: Sequence[Edge]) -> str:
    told = (f"after {edge.before}, as {edge.because}" if edge.by != "place" else _PLACE for edge in edges)
    reasons: Mapping[str, None] = dict.fromkeys(told)
    return "; ".join(reasons) or "it refers to no other entity of the package"
