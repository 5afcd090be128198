"""invoke: a few pretend classes. RapidStartDemo.echo, .types and .post; what is posted can be seen and counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from workers.simulator import values
from workers.simulator.calls import index_of
from workers.simulator.faults import refused
from workers.simulator.model import Field, Kind, Rules, Table
from workers.simulator.tableservice import datacontracts as dc
from workers.simulator.tableservice import request as ask
from workers.simulator.tableservice import valuetexts
from workers.simulator.tableservice.request import TableCall

CLASS: Final = "RapidStartDemo"
MOST_PARAMETERS: Final = 6
#: Where posted journals are kept, so that a method's effect is as durable as a row.
POSTINGS: Final = Table(
    name="RapidStartDemoPosting",
    fields={"Journal": Field(name="Journal")},
    children={},
    order=("Journal",),
    rules=Rules(label="Posted journals"),
)
_KINDS: Final = {name: kind for kind, name in valuetexts.FIELD_TYPES.items() if kind is not Kind.BOOLEAN} | {
    "Int64": Kind.INTEGER
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    value: str
    messages: tuple[str, ...] = ()


def invoke(call: TableCall) -> str:
    """Call an allowed method; its result and infolog. Raises AifError, also where the method itself does."""
    name, method = dc.value(call.request, "_class"), dc.value(call.request, "_method")
    if values.fold(name) != values.fold(CLASS):
        raise refused(f"The method '{name}.{method}' is not on the allow-list of the RapidStart service.", code=ask.NOT_ALLOWED)
    known = next((each for each in _METHODS if values.fold(each) == values.fold(method)), None)
    if known is None:
        raise refused(f"The class '{CLASS}' has no method '{method}'.", code=ask.UNKNOWN_NAME)
    said = _METHODS[known](call, _parameters(call))
    call.tally[f"invoked_{CLASS}.{known}"] += 1
    messages = [dc.record("RapidStartMessage", Severity="Info", Text=text) for text in said.messages]
    whole = dc.record("RapidStartInvokeResult", Messages=messages, Value=said.value)
    return dc.response(whole.removeprefix("<b:RapidStartInvokeResult>").removesuffix("</b:RapidStartInvokeResult>"))


def _parameters(call: TableCall) -> list[tuple[str, str]]:
    """The parameters' types and texts, in order. Raises AifError."""
    given = dc.items(call.request, "_parameters", "RapidStartParameter")
    if len(given) > MOST_PARAMETERS:
        raise refused(f"{len(given)} parameters are too many; a method takes at most {MOST_PARAMETERS}.", code=ask.BAD_REQUEST)
    return [(kind := dc.value(each, "Type") or "String", _checked(each, kind)) for each in given]


def _checked(parameter: etree._Element, kind: str) -> str:
    text, name = dc.value(parameter, "Value"), dc.value(parameter, "Name")
    if kind in ("Enum", "Other"):
        raise refused(f"The parameter '{name}' is of the type {kind}, which cannot be passed.", code=ask.BAD_REQUEST)
    try:
        return valuetexts.parse(Field(name=name, kind=_KINDS[kind]), text)
    except ValueError as wrong:
        raise refused(str(wrong), code=ask.BAD_REQUEST) from wrong


def _echo(_call: TableCall, parameters: Sequence[tuple[str, str]]) -> _Said:
    text = " ".join(text for _, text in parameters)
    return _Said(value=text, messages=(f"Echo: {text}",))


def _types(_call: TableCall, parameters: Sequence[tuple[str, str]]) -> _Said:
    return _Said(value="; ".join(f"{kind} {text}" for kind, text in parameters))


def _post(call: TableCall, parameters: Sequence[tuple[str, str]]) -> _Said:
    journal = parameters[0][1] if parameters else ""
    body = {"Journal": journal}
    call.store.insert(POSTINGS.name, company=call.company, parent=0, index=index_of(POSTINGS, body, parent=0), body=body)
    if not journal or journal.casefold().startswith("fail"):
        raise refused(f"Journal '{journal}' cannot be posted because it does not balance.")
    return _Said(value="1", messages=(f"Journal {journal} has been posted.",))


_METHODS: Final[Mapping[str, Callable[[TableCall, Sequence[tuple[str, str]]], _Said]]] = {
    "echo": _echo,
    "types": _types,
    "post": _post,
}
