"""Operations of custom services: what the port's own schema allows is noted as a record and answered with made-up values.

A value that begins with "fail" makes the pretend X++ behind the operation raise an error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from workers.simulator import envelope
from workers.simulator import namespaces as ns
from workers.simulator.faults import AifError, Complaint, refused
from workers.simulator.model import Rules, Table
from workers.simulator.shapes import Shape, Shapes
from workers.simulator.store import Index, Store
from workers.simulator.validation import Validator, Violation

_NIL: Final = f"{{{ns.XSI}}}nil"
#: RecIds are larger than a 32-bit number, which an answer may ask for.
_NUMBERS: Final = 1_000_000_000
_SAMPLES: Final = {
    "boolean": "true",
    "date": "2026-01-31",
    "dateTime": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
    "base64Binary": "AAECAw==",
}
_NUMERIC: Final = frozenset({"int", "long", "short", "byte", "integer", "decimal", "double", "float"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One operation of a custom service: what its answer consists of."""

    service: str
    namespace: str
    operation: str
    response: Shape | None

    @property
    def table(self) -> Table:
        """Under its own name its calls are kept, a record each."""
        return Table(name=self.operation, fields={}, children={}, order=(), rules=Rules(label=self.operation))


def action_of(shapes: Shapes, service: tuple[str, str], operation: str) -> Action | None:
    """The operation as the contract tells it; None where it declares no request of that name."""
    namespace, name = service
    if shapes.of(namespace, envelope.wrapper(name, operation, "Request")) is None:
        return None
    response = shapes.of(namespace, envelope.wrapper(name, operation, "Response"))
    return Action(service=name, namespace=namespace, operation=operation, response=response)


def carry_out(action: Action, request: etree._Element, *, store: Store, company: str, validator: Validator) -> str:
    """Note the call, within its transaction; the content of its response element. Raises AifError."""
    _check(action, request, validator)
    given = dict(_flattened(request, ""))
    for path, value in given.items():
        if value.casefold().startswith("fail"):
            field = path.rpartition(".")[2]
            raise AifError(Complaint(message=f"The value '{value}' in field '{field}' cannot be processed.", field=field))
    number = store.insert(action.operation, company=company, parent=0, index=Index(unique_key=None, first=""), body=given)
    known = {_plain(path.rpartition(".")[2]): value for path, value in given.items()}
    parts = action.response.parts if action.response else ()
    return "".join(_answered(part, known, number % _NUMBERS) for part in parts)


def _check(action: Action, request: etree._Element, validator: Validator) -> None:
    expected = etree.QName(action.namespace, envelope.wrapper(action.service, action.operation, "Request"))
    if request.tag != expected.text:
        raise refused(f"The message body holds '{etree.QName(request).localname}', not '{expected.localname}'.")
    try:
        validator.check(request)
    except Violation as violation:
        raise refused("; ".join(message for _, message in violation.complaints())) from violation


def _flattened(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    """Every text by its path; entries of a list are counted from 1, and null is none."""
    inside = list(element.iterchildren(etree.Element))
    names = [etree.QName(child).localname for child in inside]
    counts: dict[str, int] = {}
    for child, name in zip(inside, names, strict=True):
        counts[name] = counts.get(name, 0) + 1
        numbered = f"{name}[{counts[name]}]" if names.count(name) > 1 else name
        below = f"{path}.{numbered}" if path else numbered
        if len(child):
            yield from _flattened(child, below)
        elif child.get(_NIL) not in ("true", "1"):
            yield below, child.text or ""


def _answered(shape: Shape, known: Mapping[str, str], number: int) -> str:
    if shape.parts:
        content = "".join(_answered(part, known, number) for part in shape.parts)
    else:
        content = envelope.text(_sample(shape, known.get(_plain(shape.name), ""), number))
    return f'<{shape.name} xmlns="{shape.namespace}">{content}</{shape.name}>'


def _sample(shape: Shape, echo: str, number: int) -> str:
    """The text of the parameter of that name, where it suits; else one that is made up."""
    if shape.symbols:
        return echo if echo in shape.symbols else shape.symbols[0]
    if shape.kind in _NUMERIC:
        return echo if echo.lstrip("-").replace(".", "", 1).isdigit() else str(number)
    return _SAMPLES.get(shape.kind) or echo or f"{shape.name} {number}"


def _plain(name: str) -> str:
    """A parameter's name without what X++ puts in front."""
    return name.lstrip("_").removeprefix("parm").casefold()
