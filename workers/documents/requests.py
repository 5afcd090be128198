"""Rows + an operation's parameters -> the bytes of its requests. Pure: it sends nothing and reads nothing.

Elements stand in schema order, each in its own namespace. The same row gives the same bytes, so that a call can be made again.
An empty cell says nothing: its parameter is left out where it may be, for then AX has its own value for it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from connector.wire import values
from connector.wire.codec import Row
from connector.wire.jobs import Blank, Layout
from connector.wire.metadata import Field, FieldType, Parameter
from connector.wire.reports import Problem
from workers import contract
from workers.documents import parameters, text
from workers.documents.parameters import Branch, Entries, Leaf, Listed, NamedValues, Node, Scope, Source, Texts
from workers.documents.problems import Named

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
#: Within an entry of a list of named values: what takes the type, where there is such a part.
_TYPE: Final = "Type"
_ADVICE: Final = "Correct the cell and load the row again."


class Requests:
    """Writes the requests of one operation for rows of one layout."""

    def __init__(
        self, among: Sequence[Parameter], layout: Layout, *, element: str, namespace: str, entries: Entries | None = None
    ) -> None:
        """`element` and `namespace` name the request element. Raises GiveUp where the contract lacks what the layout names."""
        self._element = element
        self._opening = f'<{element} xmlns="{namespace}" xmlns:xsi="{_XSI}">'
        self._clears = layout.blank is Blank.CLEAR
        self._scope = parameters.laid(layout, among, around=namespace, entries=entries)

    def request(self, row: Row) -> bytes:
        """The request element of a root row and its nested rows. Raises Reject where a cell cannot be written."""
        return f"{self._opening}{self._all(self._scope.nodes, row)}</{self._element}>".encode()

    def problems(self, row: Row, *, index: int) -> list[Problem]:
        """Everything that is wrong with the cells of a root row and its nested rows; `index` is its place in flat order."""
        return [
            problem
            for place, (scope, item) in enumerate(parameters.flat(self._scope, row), index)
            for node in parameters.leaves(scope.nodes)
            for problem in _problems(node, scope.layout, item, index=place)
        ]

    def named(self, row: Row, element: str) -> Named | None:
        """What the root row fills an element of that name with; None where it does not, or fills several."""
        among = [source for node in parameters.leaves(self._scope.nodes) for source in parameters.sources(node)]
        found = [source for source in among if source.name == element]
        if len(found) != 1:
            return None
        return Named(column=_caption(self._scope.layout, found[0]), field=found[0].path, value=found[0].text(row))

    def _all(self, nodes: Sequence[Node], row: Row) -> str:
        return "".join(self._one(node, row) for node in nodes)

    def _one(self, node: Node, row: Row) -> str:
        match node:
            case Leaf():
                return self._leaf(node, row)
            case Branch():
                content = self._all(node.parts, row)
                return _element(node.parameter, node.opening, content) if content or node.top else _nothing(node)
            case Texts():
                return _list(node, [_text(node.field, each) for each in node.texts(row)])
            case Listed():
                rows = row.children[node.scope.index] if node.scope.index < len(row.children) else ()
                return _list(node, [self._entry(node, each) for each in rows])
            case NamedValues():
                return _list(node, [_named_value(node, source, row) for source in node.sources])

    def _entry(self, node: Listed, row: Row) -> str:
        """What an entry holds; an entry that is a text itself is not an element around one."""
        if node.entry.field is None:
            return self._all(node.scope.nodes, row)
        given = (source.text(row) for leaf in node.scope.nodes for source in parameters.sources(leaf))
        return _text(node.entry.field, next(given, None) or "")

    def _leaf(self, node: Leaf, row: Row) -> str:
        value = node.source.text(row) if node.source else None
        if value:
            return _element(node.parameter, node.opening, _text(node.field, value))
        clears = self._clears and value == ""
        if clears and _is_text(node.field):
            return _element(node.parameter, node.opening, "")
        if clears and node.parameter.nillable:
            return _nil(node.opening)
        return _nothing(node)


def _element(parameter: Parameter, opening: str, content: str) -> str:
    return f"<{opening}>{content}</{parameter.name}>"


def _nil(opening: str) -> str:
    return f'<{opening} xsi:nil="true"/>'


def _nothing(node: Node) -> str:
    """A parameter without a value: left out where it may be, else null; where it may be neither, the schema says so."""
    return _nil(node.opening) if node.parameter.mandatory and node.parameter.nillable else ""


def _list(node: Texts | Listed | NamedValues, contents: Sequence[str]) -> str:
    if not contents:
        return _nothing(node)
    entries = "".join(_element(node.entry, node.entry_opening, content) for content in contents)
    return entries if node.entry is node.parameter else _element(node.parameter, node.opening, entries)


def _named_value(node: NamedValues, source: Source, row: Row) -> str:
    """An entry: every one is written, for a method takes its parameters by their order."""
    name, _, kind = source.name.partition(":")
    value = source.text(row) or ""
    given = {node.names.name: name, node.names.value: value} | ({_TYPE: kind} if kind else {})
    parts = [part for part in node.entry.parts if part.name in given and part.field is not None]
    openings = {part.name: parameters.opening_of(part, node.entry.namespace) for part in parts}
    return "".join(_element(part, openings[part.name], _text(part.field, given[part.name])) for part in parts if part.field)


def _text(field: Field, value: str) -> str:
    return text.escaped(contract.lexical(field, value)) if value else ""


def _is_text(field: Field) -> bool:
    return field.type is FieldType.STRING and not field.symbols


def _problems(node: Node, layout: Layout, row: Row, *, index: int) -> Iterator[Problem]:
    for source in parameters.sources(node):
        for why in _unfit(node, source, row):
            yield Problem(
                row=index,
                column=_caption(layout, source),
                field=source.path,
                value=source.text(row),
                message=why.message,
                advice=why.advice or _ADVICE,
                code=why.code,
            )


def _unfit(node: Node, source: Source, row: Row) -> Iterator[values.Unfit]:
    match node:
        case Leaf():
            field = node.field.model_copy(update={"mandatory": node.demanded})
            found = [values.fits(field, source.text(row), creating=True)]
        case Texts():
            found = [values.fits(node.field, each) for each in node.texts(row)]
        case NamedValues():
            found = [values.fits(Field(name=source.name), source.text(row))]
        case _:
            found = []
    yield from (why for why in found if why is not None)


def _caption(layout: Layout, source: Source) -> str | None:
    return None if source.column is None else layout.columns[source.column].name


__all__ = ["Entries", "Requests", "Scope"]
