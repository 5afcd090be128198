"""Entities whose rows are calls: of an operation of a service, or of a method of a class.

Microsoft has published no contract of the service that its connector called classes through: which one stands for it is
said by the mapping, or it is this project's own table and class service, where the endpoint offers that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from connector.errors import Place, PlanRefused
from connector.intake.values import Action
from connector.plan import names, operations, parameters
from connector.plan.mapping import ClassMapping, TableMapping
from connector.plan.matching import Record
from connector.wire.jobs import Structured
from connector.wire.metadata import Table
from connector.wire.reports import Outcome

#: What stands for Microsoft's service where the mapping names nothing: deploy/ax.
OWN_CLASSES: Final = ClassMapping.model_validate(
    {"operation": "RapidStartTableService.invoke", "class": "_class", "method": "_method", "parameters": "_parameters"}
)
_OUTCOMES: Final = {
    "created": Outcome.CREATED,
    "updated": Outcome.UPDATED,
    "deleted": Outcome.DELETED,
    "unchanged": Outcome.UNCHANGED,
}
#: What an operation does, by how its name begins.
_BY_NAME: Final = {
    **dict.fromkeys(("create", "insert", "add", "new"), "created"),
    **dict.fromkeys(("delete", "remove"), "deleted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How the rows of an entity are called: the task, what its messages say, and what of the layout no column fills."""

    kind: str
    options: dict[str, object]
    constants: dict[str, str]
    structures: dict[str, Structured] = field(default_factory=dict)
    entries: str = ""
    """path of the list that the columns are entries of: the parameters of a method"""
    reason: str


def class_record(said: TableMapping, entity: str, calls: Sequence[Record], classes: ClassMapping | None) -> tuple[Record, str]:
    """The operation that calls the class' method which the target names, and why it is that one. Raises PlanRefused."""
    name, _, method = (said.target or "").partition(".")
    if not name or not method or "." in method:
        raise PlanRefused(
            f"{entity!r} calls a class, and its target {said.target or ''!r} names no class with its method.",
            advice=f'Write into the mapping: [table."{entity}"] target = "Class.method".',
        )
    wanted = classes or OWN_CLASSES
    found = operations.by_target(wanted.operation, entity, calls)
    if found is None:
        raise PlanRefused(
            f"{entity!r} calls a class, but the endpoint offers no operation {wanted.operation}.",
            advice="Name the custom service that calls classes in [classes] of the mapping, and publish it on the port; "
            "or install the table and class service of this project (deploy/ax).",
        )
    by = "[classes] of the mapping" if classes else "this project's own service"
    return found, f"the mapping says {said.target}, called through {wanted.operation} ({by})"


def call(
    action: Action, record: Record, said: TableMapping, classes: ClassMapping | None, *, idempotent: bool | None = None
) -> Call:
    """How an entity's rows are called. `idempotent` is what AX's data dictionary says of it; the mapping's word goes before.

    Raises PlanRefused where the mapping names a parameter that is not there.
    """
    told: str = said.outcome or _usual(record.operation)
    options: dict[str, object] = {"outcome": _OUTCOMES[told].value}
    if said.call == "class":
        return _class_call(action, record, said, classes or OWN_CLASSES, options)
    repeatable = bool(idempotent if said.idempotent is None else said.idempotent)
    options["idempotent"] = repeatable
    why = "the mapping says so" if said.outcome else f"as {record.operation} is named"
    repeated = "made again" if repeatable else "told as unknown, never made again"
    if said.idempotent is None and idempotent is not None:
        repeated += ", as AX's data dictionary says"
    constants = {_path(path, action, record, said): value for path, value in said.constants.items()}
    structures = {
        _list_of_texts(path, action, record, said): Structured(delimiter=one.delimiter) for path, one in said.structure.items()
    }
    return Call(
        kind="load.services",
        options=options,
        constants=constants,
        structures=structures,
        reason=f"each row is a call, told as {told} ({why}); a call of unknown end is {repeated}",
    )


def _usual(operation: str) -> str:
    """What an operation of such a name does."""
    return next((word for head, word in _BY_NAME.items() if operation.casefold().startswith(head)), "updated")


def _path(name: str, action: Action, record: Record, said: TableMapping) -> str:
    return parameters.path_of(name, record.table, said, action=action)


def _list_of_texts(name: str, action: Action, record: Record, said: TableMapping) -> str:
    """The path of a parameter that takes several texts of one cell. Raises PlanRefused where it takes one, or has parts."""
    path, told = _path(name, action, record, said), said.structure[name]
    place = Place(file=action.file, sheet=action.sheet)
    if all(child.name != path for child in record.table.children):
        raise PlanRefused(
            f"the mapping's `structure` speaks of {path}, which takes no list.", advice="Remove it from the mapping.", place=place
        )
    if told.segments or told.update:
        raise PlanRefused(
            f"{path} is a list, of which the mapping's `structure` can only say the delimiter.",
            advice="Remove its other words from the mapping.",
            place=place,
        )
    return path


def _class_call(action: Action, record: Record, said: TableMapping, classes: ClassMapping, options: dict[str, object]) -> Call:
    name, _, method = (said.target or "").partition(".")
    if said.idempotent:
        raise PlanRefused(
            f"the mapping calls {name}.{method} idempotent: nobody knows that of a method, so it is never called again.",
            advice="Remove `idempotent`, or call an operation of a service of your own.",
        )
    _check_classes(record, classes)
    constants = {classes.class_: name, classes.method: method}
    for path, value in said.constants.items():
        constants[f"{classes.parameters}.{path}" if classes.parameters else _path(path, action, record, said)] = value
    return Call(
        kind="load.classes",
        options=options | {"parameters": classes.parameters, "name": classes.name, "value": classes.value},
        constants=constants,
        entries=classes.parameters,
        reason=f"each row is a call of {name}.{method}; one of unknown end is told as unknown, never made again",
    )


def _check_classes(record: Record, classes: ClassMapping) -> None:
    """The operation has what [classes] names. Raises PlanRefused."""
    for path in (classes.class_, classes.method):
        _check_is_there(path, record, record.table)
    if not classes.parameters:
        return
    entry = next((child for child in record.table.children if child.name == classes.parameters), None)
    if entry is None:
        raise _no_parameter(classes.parameters, record, [child.name for child in record.table.children])
    for part in (classes.name, classes.value):
        _check_is_there(part, record, entry)


def _check_is_there(path: str, record: Record, table: Table) -> None:
    if table.field(path) is None:
        raise _no_parameter(path, record, [each.name for each in table.fields])


def _no_parameter(path: str, record: Record, known: Sequence[str]) -> PlanRefused:
    return PlanRefused(
        f"[classes] of the mapping names {path!r}, which {record.operation} does not have.", advice=names.meant(path, known)
    )
