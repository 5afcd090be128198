"""What an endpoint's services take, as an AX consultant reads it: services, tables, fields, operations."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from connector.cli import words
from connector.cli.front import printable
from connector.wire.metadata import Field, FieldType, Metadata, Operation, Parameter, Service, Table, normalized

#: Symbols of an enumeration that are shown; `--json` has them all.
_MOST_SYMBOLS: Final = 40
#: The bounds of the built-in whole numbers, which say nothing of a field.
_BITS: Final[dict[tuple[str | None, str | None], int]] = {
    (f"{-(2 ** (bits - 1))}", f"{2 ** (bits - 1) - 1}"): bits for bits in (8, 16, 32, 64)
}


def print_overview(console: Console, found: Metadata, *, endpoint: str, read_at: str | None) -> None:
    """A line per table and per operation, below when the contract was read, and its fingerprint."""
    version = " + ".join(part[:12] for part in found.fingerprint.split("+"))
    console.print(Text(f"{printable(endpoint)}: contract {printable(version)}, read {words.ago(read_at)}", style="bold"))
    grid = _grid("Service", "Table", "Fields", "Key", "Operations")
    for service in found.services:
        for row in _lines(service):
            grid.add_row(*map(printable, row))
    console.print(grid)
    console.print(Text("The fields of one: --show TABLE; the parameters of an operation: --show OPERATION", style="dim"))


def print_some(console: Console, found: Metadata, names: Sequence[str]) -> list[str]:
    """The fields of the tables, and parameters of the operations, of these names. Returns the names that are nowhere."""
    missing = []
    for name in names:
        wanted = normalized(name)
        tables = [(service, path) for service in found.services for path in _paths(service) if wanted in _names(path[-1])]
        calls = [(service, call) for service in found.services for call in service.calls if normalized(call.name) == wanted]
        for service, path in tables:
            _print_table(console, service, path)
        for service, call in calls:
            _print_call(console, service, call)
        if not tables and not calls:
            missing.append(name)
    return missing


def _names(table: Table) -> set[str]:
    """What a record may be asked for by: its own name, and those of the types derived from it."""
    return {normalized(name) for name in (table.name, *(_kind_name(each) for each in table.derived))}


def _kind_name(derived: Table) -> str:
    """A derived type as the mapping calls it: `DirPerson`."""
    return derived.type_name.rpartition("_")[2]


def _lines(service: Service) -> Iterator[tuple[str, str, str, str, str]]:
    paths = list(_paths(service))
    operations = ", ".join(service.operations)
    if not paths:
        yield service.name, "", "", "", operations
    for number, path in enumerate(paths):
        first = number == 0
        key = ", ".join(service.key) if first else ""
        name = "  " * (len(path) - 1) + path[-1].name
        yield service.name if first else "", name, f"{len(path[-1].fields)}", key, operations if first else ""


def _paths(service: Service) -> Iterator[tuple[Table, ...]]:
    """Every record of a service's document, with those that it is nested in."""
    yield from _nested((), service.document.tables if service.document else ())


def _nested(path: tuple[Table, ...], tables: Iterable[Table]) -> Iterator[tuple[Table, ...]]:
    for table in tables:
        yield (*path, table)
        yield from _nested((*path, table), table.children)


def _print_table(console: Console, service: Service, path: Sequence[Table]) -> None:
    table = path[-1]
    where = " > ".join(part.name for part in path)
    traits = [f"derived: {', '.join(map(_kind_name, table.derived))}"] if table.derived else []
    traits += ["date-effective"] if table.is_effective else []
    _head(console, f"{service.name}, {where}", traits)
    _print_fields(console, table.fields, keys=service.key if len(path) == 1 else ())
    for each in table.derived:
        _head(console, f"{service.name}, {where}", [f'type = "{_kind_name(each)}"'])
        _print_fields(console, each.fields, keys=())


def _print_fields(console: Console, fields: Iterable[Field], *, keys: Sequence[str]) -> None:
    grid = _grid("Field", "Type", "Takes", "Needed", "Label")
    for field in fields:
        needed = "always" if field.mandatory else ""
        name = f"{field.name} (key)" if field.name in keys else field.name
        grid.add_row(printable(name), _kind(field), printable(_takes(field)), needed, printable(field.label))
    console.print(grid)


def _print_call(console: Console, service: Service, call: Operation) -> None:
    _head(console, f"{service.name}.{call.name}", [])
    grid = _grid("Parameter", "Type", "Takes", "Needed")
    for direction, parameters in (("", call.parameters), ("answers ", call.result)):
        for depth, parameter in _flat(parameters):
            kind = _kind(parameter.field) if parameter.field else parameter.type_name or "data contract"
            takes = _takes(parameter.field) if parameter.field else ""
            name = f"{direction}{'  ' * depth}{parameter.name}{' (list)' if parameter.repeats else ''}"
            grid.add_row(printable(name), printable(kind), printable(takes), "always" if parameter.mandatory else "")
    console.print(grid)


def _flat(parameters: Iterable[Parameter], depth: int = 0) -> Iterator[tuple[int, Parameter]]:
    for parameter in parameters:
        yield depth, parameter
        yield from _flat(parameter.parts, depth + 1)


def _kind(field: Field) -> str:
    return "enumeration" if field.symbols else field.type.value


def _takes(field: Field) -> str:
    """What a cell of this field may hold."""
    if field.symbols:
        shown = [_symbol(field, place) for place in range(min(len(field.symbols), _MOST_SYMBOLS))]
        more = len(field.symbols) - len(shown)
        return ", ".join([*shown, f"and {more} more"] if more else shown)
    if field.structure:
        return f"parts: {', '.join(part.name for part in field.structure.parts)}"
    if field.max_length is not None:
        return f"{field.max_length} characters"
    if bits := _BITS.get((field.minimum, field.maximum)):
        return f"{bits} bits"
    told = [f"{field.minimum or '...'} to {field.maximum or '...'}"] if field.minimum or field.maximum else []
    told += [f"{field.decimals} decimals"] if field.decimals is not None and field.type is FieldType.DECIMAL else []
    return ", ".join(told)


def _symbol(field: Field, place: int) -> str:
    """A symbol with its number and label, where the contract tells them."""
    number = f"{field.numbers[place]}" if place < len(field.numbers) else ""
    label = field.labels[place] if place < len(field.labels) and field.labels[place] != field.symbols[place] else ""
    told = " ".join(part for part in (number, label) if part)
    return f"{field.symbols[place]} ({told})" if told else field.symbols[place]


def _head(console: Console, title: str, traits: Sequence[str]) -> None:
    console.print(Text(printable(" ".join([title, *(f"({trait})" for trait in traits)])), style="bold"))


def _grid(*columns: str) -> Grid:
    return Grid(*columns, box=None, header_style="bold", pad_edge=False)
