"""In which order steps run, and why: the manifest's order, what the mapping demands, the package's own order, or references."""

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
    by: Literal["mapping", "reference", "sheets", "place"] = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """A rank from 1 and its reason for each node, in the order of the nodes."""

    of: tuple[tuple[int, str], ...]
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Graph:
    """What comes before what; never a cycle."""

    edges: dict[str, list[Edge]] = field(default_factory=dict)

    def add(self, edge: Edge) -> list[str]:
        """Add an edge, or return the cycle that it would close."""
        cycle = self._way(edge.then, edge.before)
        if not cycle:
            self.edges.setdefault(edge.then, []).append(edge)
        return cycle

    def _way(self, start: str, end: str) -> list[str]:
        """A way from `start` to `end` along edges from before to then; [] when there is none."""
        came_from, waiting = {end: ""}, [end]
        while waiting and start not in came_from:
            name = waiting.pop()
            for edge in self.before(name):
                if edge.before not in came_from:
                    came_from[edge.before] = name
                    waiting.append(edge.before)
        way = [start] if start in came_from else []
        while way and came_from[way[-1]]:
            way.append(came_from[way[-1]])
        return way

    def before(self, name: str) -> list[Edge]:
        return self.edges.get(name, [])


def ranks(nodes: Sequence[Node], references: Iterable[Edge], *, form: PackageFormat) -> Ranks:
    """Rank the nodes. Raises PlanRefused when the mapping's `after` goes round in a circle."""
    if all(node.order is not None for node in nodes):
        return _by_manifest(nodes)
    graph, notices = _graph(nodes, references)
    own = _own_order(nodes, form)
    if own:
        return Ranks(of=_one_by_one(nodes, graph, own), notices=notices)
    if any(edge.by != "place" for edges in graph.edges.values() for edge in edges):
        _keep_sheets(nodes, graph)
        return Ranks(of=_levels(nodes, graph), notices=notices)
    return Ranks(of=_one_by_one(nodes, graph, "no order is known: alphabetical, one after another"), notices=notices)


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


def _by_manifest(nodes: Sequence[Node]) -> Ranks:
    places = {order: rank for rank, order in enumerate(sorted({node.order for node in nodes if node.order}), start=1)}
    ignored = [node.entity for node in nodes if node.after]
    notices = (f"`after` of {', '.join(ignored)} is not used: the manifest gives the order.",) if ignored else ()
    return Ranks(of=tuple((places[node.order], f"the manifest: {node.order}") for node in nodes if node.order), notices=notices)


def _own_order(nodes: Sequence[Node], form: PackageFormat) -> str:
    """Why the package's order is meant as one; "" when it is only the alphabet's."""
    if form == "datapackage":
        return "the order of the manifest"
    if len({node.file for node in nodes}) == 1:
        return "the order of the sheets" if len(nodes) > 1 else "the only one"
    if all(_NUMBERED.match(node.file.rpartition("/")[2]) for node in nodes):
        return "the number in front of the file's name"
    return ""


def _graph(nodes: Sequence[Node], references: Iterable[Edge]) -> tuple[_Graph, tuple[str, ...]]:
    """All edges that do not contradict each other. The mapping's come first; a reference that closes a cycle is let go."""
    graph = _Graph()
    notices = []
    for node in nodes:
        for other in node.after:
            edge = Edge(before=other, then=node.entity, because="the mapping says so", by="mapping")
            if cycle := graph.add(edge):
                raise PlanRefused(
                    f"`after` goes round in a circle: {' before '.join([*cycle, cycle[0]])}.", advice="Remove one of them."
                )
    for edge in references:
        cycle = graph.add(edge)
        if cycle and edge.by == "reference":
            told = ", ".join(cycle)
            notices.append(f"{told} refer to each other: that {edge.because} is not used for the order.")
    return graph, tuple(notices)


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
