"""The operations of a port as records, so that rows are matched with their parameters as others are with a table's fields.

A field's name is the parameter's path: the names of the elements around it and its own, joined by dots. A list of data contracts
is a table nested in its operation, or in the entry of another list; paths of its fields begin within an entry.
"""

from collections.abc import Iterator, Sequence

from connector.errors import PlanRefused
from connector.plan import names
from connector.plan.matching import Record, of_service, same
from connector.wire.metadata import Document, Field, FieldType, Metadata, Operation, Parameter, Service, Table, normalized


def records(metadata: Metadata) -> list[Record]:
    """Every operation that is none of a document service's own, and every list of data contracts in their parameters."""
    return [record for service in metadata.services for call in service.calls for record in _nested(service, call)]


def table_of(operation: Operation) -> Table:
    """The operation's parameters as a table."""
    return _table(operation.name, operation.parameters, top=True)


def by_target(target: str, entity: str, among: Sequence[Record]) -> Record | None:
    """The operation, or list within one, that a target names: "Service.operation", with "Port/" before or ".list" behind it.

    None where the target names no service with operations. Raises PlanRefused where the service has none of that name, or
    several services fit.
    """
    port, _, rest = target.rpartition("/")
    service, _, name = rest.partition(".")
    operation, _, below = name.partition(".")
    offered = [
        record for record in among if operation and same(port, record.service.port) and of_service(service, record.service)
    ]
    found = [record for record in offered if _is(record, operation, below)]
    if len(found) > 1:
        told = " and ".join(f"{record.service.port}/{record.service.name}" for record in found)
        raise PlanRefused(f"the target {target!r} of {entity!r} is on {told}.", advice="Name the port: Port/Service.operation.")
    if found:
        return found[0]
    if offered and (below or offered[0].service.document is None):
        known = {record.operation for record in offered} if not below else {_path(record) for record in offered if record.path}
        what = f"list {below!r} in {operation}" if below else f"operation {operation!r}"
        raise PlanRefused(
            f"the mapping's target {target!r} of {entity!r} names no {what} that {offered[0].service.name} has.",
            advice=names.meant(below or operation, sorted(known)) or f"It has {', '.join(sorted(known)) or 'none'}.",
        )
    return None


def _is(record: Record, operation: str, below: str) -> bool:
    if normalized(record.operation) != normalized(operation):
        return False
    return normalized(_path(record)) == normalized(below)


def _path(record: Record) -> str:
    """The path of a list from the operation on; "" for the operation itself."""
    return ".".join((*record.path[1:], record.table.name)) if record.path else ""


def _nested(service: Service, call: Operation) -> Iterator[Record]:
    table = table_of(call)
    document = Document(name=call.name, namespace=service.namespace, tables=(table,))

    def below(table: Table, path: tuple[str, ...]) -> Iterator[Record]:
        yield Record(service=service, document=document, table=table, path=path, operation=call.name)
        for child in table.children:
            yield from below(child, (*path, table.name))

    yield from below(table, ())


def _table(name: str, parameters: Sequence[Parameter], *, top: bool = False) -> Table:
    fields, lists = list[Field](), list[Table]()
    _gather(parameters, "", fields, lists, given=True, top=top)
    return Table(name=name, fields=tuple(fields), children=tuple(lists))


def _gather(
    parameters: Sequence[Parameter], prefix: str, fields: list[Field], lists: list[Table], *, given: bool, top: bool = False
) -> None:
    """`given`: what holds the parameters is written whatever a row's cells hold, so that it must have what it demands.

    An operation's own data contracts (`top`) always are.
    """
    for parameter in parameters:
        path, entry = f"{prefix}{parameter.name}", parameter.item
        demanded = given and parameter.mandatory and not parameter.nillable
        if entry is not None and entry.parts:
            lists.append(_table(path, entry.parts))
        elif entry is not None:  # texts, all of them in one cell; or rows of one column
            fields.append(Field(name=path, type_name=parameter.type_name, mandatory=demanded))
            lists.append(_table(path, (entry.model_copy(update={"repeats": False}),)))
        elif parameter.field is not None:
            fields.append(parameter.field.model_copy(update={"name": path, "mandatory": demanded}))
        elif parameter.parts:
            _gather(parameter.parts, f"{path}.", fields, lists, given=top or demanded)
        else:
            fields.append(Field(name=path, type=FieldType.COMPLEX, type_name=parameter.type_name, mandatory=demanded))
