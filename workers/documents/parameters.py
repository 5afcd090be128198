"""A layout laid over an operation's parameters: what fills each element of a request, in schema order.

A parameter's path is the names of the elements around it and its own, joined by dots; within a nested layout it begins in an
entry of the list that the layout fills. It knows rows and contracts, and writes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from connector.wire.codec import Row
from connector.wire.jobs import Layout
from connector.wire.metadata import Field, Parameter
from workers import contract
from workers.documents import text
from workers.errors import GiveUp, Reject

#: Between the texts of a list in one cell, where the mapping names nothing else.
_DELIMITER: Final = ";"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A list of named values that takes columns as its entries: where it stands, and what within an entry takes what."""

    path: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a text comes from: a column, or a constant."""

    path: str
    column: int | None = None
    constant: str | None = None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition(".")[2]

    def text(self, row: Row) -> str | None:
        """What the row says: None says nothing, an empty text says empty."""
        if self.column is None:
            return self.constant
        return row.cells[self.column] if self.column < len(row.cells) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A parameter that holds a text. Without a source it must stand all the same."""

    parameter: Parameter
    opening: str
    """its tag, with its namespace where that is not the one around it"""
    field: Field
    source: Source | None
    demanded: bool
    """a row must have a text for it: what holds it is always given"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A list of texts, all of them in one cell."""

    parameter: Parameter
    opening: str
    entry: Parameter
    entry_opening: str
    field: Field
    source: Source
    delimiter: str

    def texts(self, row: Row) -> list[str]:
        """The texts in the row's cell."""
        return [part.strip() for part in (self.source.text(row) or "").split(self.delimiter) if part.strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A data contract: what it holds."""

    parameter: Parameter
    opening: str
    parts: "tuple[Node, ...]"
    top: bool
    """one of the operation's own parameters: it is given, whatever the row's cells hold"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list that nested rows fill, an entry each."""

    parameter: Parameter
    opening: str
    entry: Parameter
    entry_opening: str
    scope: "Scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedValues:
    """A list of named values that columns fill, an entry each, in their order."""

    parameter: Parameter
    opening: str
    entry: Parameter
    entry_opening: str
    names: Entries
    sources: tuple[Source, ...]


Node = Leaf | Texts | Branch | Listed | NamedValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What rows of one layout fill: the operation's parameters, or an entry of a list."""

    layout: Layout
    nodes: tuple[Node, ...]
    index: int = 0
    """which of the outer layout's children it is"""
    lists: "tuple[Scope, ...]" = ()
    """of nested rows, in the order of the layout's children"""


def laid(
    layout: Layout,
    parameters: Sequence[Parameter],
    *,
    around: str,
    entries: Entries | None = None,
    index: int = 0,
    top: bool = True,
) -> Scope:
    """The layout over the parameters that stand in an element of the namespace `around`.

    Raises GiveUp where the contract lacks what the layout names, or a constant does not suit its parameter.
    """
    laying = _Laying(layout, entries, top=top)
    nodes = tuple(laying.nodes(parameters, prefix="", around=around, given=True))
    if lacking := laying.lacking():
        raise GiveUp(
            f"The operation has no longer a parameter {lacking[0]}.",
            advice="Read the endpoint's metadata again (rapidstart endpoint metadata NAME --refresh) and load again.",
            code="RSC-5951",
        )
    lists = tuple(laying.lists[place] for place in sorted(laying.lists))
    return Scope(layout=layout, nodes=nodes, index=index, lists=lists)


def leaves(nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes that rows fill by themselves, in schema order."""
    for node in nodes:
        if isinstance(node, Branch):
            yield from leaves(node.parts)
        else:
            yield node


def sources(node: Node) -> tuple[Source, ...]:
    """What fills a node."""
    match node:
        case Leaf(source=Source() as source) | Texts(source=source):
            return (source,)
        case NamedValues(sources=found):
            return found
    return ()


def flat(scope: Scope, row: Row) -> Iterator[tuple[Scope, Row]]:
    """A root row and its nested rows with their scopes, in the order of `connector.wire.jobs.flatten`."""
    yield scope, row
    for inner, rows in zip(scope.lists, row.children, strict=False):
        for nested in rows:
            yield from flat(inner, nested)


def opening_of(parameter: Parameter, around: str) -> str:
    """The tag of a parameter that stands in an element of the namespace `around`."""
    if parameter.namespace == around:
        return parameter.name
    return f'{parameter.name} xmlns="{text.escaped(parameter.namespace)}"'


class _Laying:
    def __init__(self, layout: Layout, entries: Entries | None, *, top: bool) -> None:
        constants = {path: Source(path=path, constant=value) for path, value in layout.constants.items()}
        columns = {column.field: Source(path=column.field, column=place) for place, column in enumerate(layout.columns)}
        self.lists: dict[int, Scope] = {}
        self._layout = layout
        self._entries = entries
        self._top = top
        self._sources = columns | {path: source for path, source in constants.items() if path not in columns}
        self._used: set[str] = set()

    def lacking(self) -> list[str]:
        """Paths that the layout names and no parameter has."""
        children = [child.table for place, child in enumerate(self._layout.children) if place not in self.lists]
        return [*(path for path in self._sources if path not in self._used), *children]

    def nodes(self, among: Sequence[Parameter], *, prefix: str, around: str, given: bool) -> Iterator[Node]:
        """What the layout fills of some parameters; `given`: what holds them is written whatever the row's cells hold."""
        for parameter in among:
            path, opening = f"{prefix}{parameter.name}", opening_of(parameter, around)
            found = self._list(parameter, path, opening) or self._leaf(parameter, path, opening, given=given)
            found = found or self._branch(parameter, path, opening, given=given)
            if found is not None:
                yield found

    def _list(self, parameter: Parameter, path: str, opening: str) -> Node | None:
        entry = parameter.item
        if entry is None:
            return None
        inner = opening if entry is parameter else opening_of(entry, parameter.namespace)
        child = next((place for place, child in enumerate(self._layout.children) if child.table == path), None)
        if child is not None:
            among = entry.parts or (_alone(entry),)
            scope = laid(self._layout.children[child], among, around=entry.namespace, index=child, top=False)
            self.lists[child] = scope
            return Listed(parameter=parameter, opening=opening, entry=entry, entry_opening=inner, scope=scope)
        if self._entries is not None and self._entries.path == path:
            below = self._below(path)
            self._used.update(source.path for source in below)
            return NamedValues(
                parameter=parameter, opening=opening, entry=entry, entry_opening=inner, names=self._entries, sources=below
            )
        if path in self._sources and entry.field is not None:
            said = self._layout.structures.get(path)
            return Texts(
                parameter=parameter,
                opening=opening,
                entry=entry,
                entry_opening=inner,
                field=entry.field,
                source=self._take(path, None),
                delimiter=said.delimiter if said else _DELIMITER,
            )
        return None

    def _leaf(self, parameter: Parameter, path: str, opening: str, *, given: bool) -> Node | None:
        if parameter.field is None or not (path in self._sources or parameter.mandatory):
            return None
        source = self._take(path, parameter.field) if path in self._sources else None
        demanded = given and parameter.mandatory and not parameter.nillable
        return Leaf(parameter=parameter, opening=opening, field=parameter.field, source=source, demanded=demanded)

    def _branch(self, parameter: Parameter, path: str, opening: str, *, given: bool) -> Node | None:
        wanted = any(child.table.startswith(f"{path}.") for child in self._layout.children) or self._below(path)
        if parameter.field is not None or not (wanted or parameter.mandatory):
            return None
        top = self._top and "." not in path
        given = top or (given and parameter.mandatory and not parameter.nillable)
        inner = self.nodes(parameter.parts, prefix=f"{path}.", around=parameter.namespace, given=given)
        return Branch(parameter=parameter, opening=opening, parts=tuple(inner) if wanted else (), top=top)

    def _below(self, path: str) -> tuple[Source, ...]:
        return tuple(source for known, source in self._sources.items() if known.startswith(f"{path}."))

    def _take(self, path: str, field: Field | None) -> Source:
        self._used.add(path)
        source = self._sources[path]
        if field is not None and source.constant:
            _check_constant(field, source.constant)
        return source


def _alone(entry: Parameter) -> Parameter:
    """An entry that is a text itself: its one path is its own name."""
    return entry.model_copy(update={"repeats": False})


def _check_constant(field: Field, value: str) -> None:
    try:
        text.escaped(contract.lexical(field, value))
    except Reject as error:
        raise GiveUp(
            f"The constant {value!r} does not suit the parameter {field.name}: {error.message}",
            advice=error.advice or "Correct the constant in the mapping and load again.",
            code="RSC-5950",
        ) from error
