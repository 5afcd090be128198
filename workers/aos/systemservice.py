"""The services that every AOS brings itself, beside its ports: called over net.tcp alone, and without a CallContext.

What they are asked is fixed by AX and not by an installation, so no contract is read for them: their requests are written by
constants, which tests hold against the real contracts. They only read.
"""

import io
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from lxml import etree

from workers.aos import aiffault, answers, envelope, faults, nettcp
from workers.aos.transport import Answer, Transport
from workers.errors import WorkerError

#: The namespace of what MetadataService and QueryService are asked.
NAMESPACE: Final = "http://tempuri.org/"
#: How long a call may take, in seconds, where the caller does not say.
LIMIT_S: Final = 120.0

#: What a fault of MetadataService says, in its detail.
_SAID: Final = "{http://schemas.micosoft.com/dynamics/ax/aif/services/metadata/2008/10}Message"
_BODIES: Final = tuple(f"{{{namespace}}}Body" for namespace in (envelope.ENVELOPE_NS, envelope.ENVELOPE_12_NS))


def beside(address: str, name: str) -> str | None:
    """The address of an AOS' own service, beside one of its ports on net.tcp; None for an address of HTTP."""
    if not nettcp.is_one(address):
        return None
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rpartition('/')[0]}/{name}", parts.query, ""))


class SystemService:
    """One of them, at `address`; `interface` is the name of its contract, as IQueryService. Any thread may use it."""

    def __init__(self, transport: Transport, address: str, *, interface: str, way: nettcp.Way | None = None) -> None:
        self.address = address
        self._transport = transport
        self._interface = interface
        self._way = way or nettcp.Way()

    def ask(self, operation: str, content: str = "", *, time_limit_s: float = LIMIT_S) -> etree._Element:
        """The response element. `content`: what the request element holds, as XML in `NAMESPACE`.

        Raises Refusal, Retry or GiveUp (workers.errors).
        """
        answer = self.answer(operation, content, time_limit_s=time_limit_s)
        element = answers.body(answer)
        if element is None:
            raise self._unreadable(answer)
        return element

    def answer(self, operation: str, content: str = "", *, time_limit_s: float = LIMIT_S) -> bytes:
        """The whole answer, for those who read it piece by piece; it is no fault. Raises as `ask` does."""
        action = f"{NAMESPACE}{self._interface}/{operation}"
        body = envelope.request(operation, NAMESPACE, content)
        message = envelope.addressed(b"", body, action=action, to=nettcp.via(self.address))
        found = self._transport.post(
            self.address, message, action=action, time_limit_s=time_limit_s, writes=False, way=self._way
        ).body
        tag = _first(found)
        if tag == f"{{{NAMESPACE}}}{operation}Response":
            return found
        raise self._refused(found)

    def _refused(self, answer: bytes) -> WorkerError:
        fault = answers.body(answer)
        if fault is None or not answers.is_fault(fault):
            return self._unreadable(answer)
        error = faults.refused_call(fault, aiffault.read(fault, nested=()), company="", writes=False)
        if said := " ".join(part.text for part in fault.iter(_SAID) if part.text):
            error.message = said  # the reason holds WCF's own words
        return error

    def _unreadable(self, answer: bytes) -> WorkerError:
        kind = Answer(status=200, content_type="application/soap+msbin1", body=answer)
        return faults.unreadable(kind, nettcp.via(self.address), writes=False)


def _first(answer: bytes) -> str:
    """The name of the element inside the SOAP body, read without the rest; "" where there is none."""
    try:
        return next(_inside_the_body(answer), "")
    except etree.XMLSyntaxError:
        return ""


def _inside_the_body(answer: bytes) -> Iterator[str]:
    in_body = False
    for _, element in etree.iterparse(io.BytesIO(answer), events=("start",), resolve_entities=False, no_network=True):
        if in_body:
            yield str(element.tag)
        in_body = element.tag in _BODIES
