"""Why a call is refused, and how AX says so: SOAP 1.1 faults with an AifFault in the detail."""

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from workers.simulator import namespaces as ns

_GENERIC: Final = "Request Failed. See the Exception Log for details."
ERROR: Final = 3
DEADLOCK: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is wrong with one record, and where it stands in the document."""

    message: str
    xpath: str = ""
    field: str = ""
    code: str = ""


class AifError(Exception):
    """AX refuses a call; its transaction is rolled back. The complaints are all of one record, or of none."""

    def __init__(self, *complaints: Complaint, exception_type: int = ERROR) -> None:
        super().__init__("; ".join(complaint.message for complaint in complaints))
        self.complaints = complaints
        self.exception_type = exception_type


def refused(message: str, *, code: str = "") -> AifError:
    """A call that is wrong as a whole."""
    return AifError(Complaint(message=message, code=code))


def duplicate_message() -> AifError:
    """The MessageId was seen before."""
    return refused("Duplicate message. Message has already been processed.", code="DuplicateMessage")


def action_not_supported(action: str) -> bytes:
    """The fault of WCF for an action that the port does not have; no AifFault in it."""
    text = (
        f"The message with Action '{action}' cannot be processed at the receiver, due to a ContractFilter mismatch at the "
        "EndpointDispatcher. This may be because of either a contract mismatch or a binding/security mismatch."
    )
    fault = (
        '<faultcode xmlns:a="http://schemas.microsoft.com/ws/2005/05/addressing/none">a:ActionNotSupported</faultcode>'
        f'<faultstring xml:lang="en-US">{escape(text)}</faultstring>'
    )
    return _envelope(fault)


def render(error: AifError, *, service: str, operation: str, document: str, detail: bool) -> bytes:
    """The fault's envelope; without `detail` only the sentence that a port shows that keeps its exceptions to itself."""
    lists = infolog = ""
    if detail:
        where = (escape(document), escape(operation[:1].upper() + operation[1:]), escape(service), escape(operation))
        lists = "".join(_message_list(complaint, *where) for complaint in error.complaints)
        infolog = "".join(
            "<a:InfologMessage><a:InfologMessageType>Error</a:InfologMessageType>"
            f"<a:Message>{escape(complaint.message)}</a:Message></a:InfologMessage>"
            for complaint in error.complaints
        )
    return _envelope(
        f'<faultcode>s:Client</faultcode><faultstring xml:lang="en-US">{_GENERIC}</faultstring><detail>'
        f'<AifFault xmlns="{ns.FAULT}" xmlns:i="{ns.XSI}"><CustomDetailXml i:nil="true"/>'
        f"{_filled('FaultMessageListArray', lists)}{_filled('InfologMessageList', infolog)}"
        f'<StackTrace i:nil="true"/><XppExceptionType>{error.exception_type}</XppExceptionType></AifFault></detail>'
    )


def _filled(name: str, content: str) -> str:
    return f'<{name} xmlns:a="{ns.INFOLOG}">{content}</{name}>' if content else f'<{name} i:nil="true"/>'


def _message_list(complaint: Complaint, document: str, document_operation: str, service: str, operation: str) -> str:
    return (
        f"<FaultMessageList><Document>{document}</Document><DocumentOperation>{document_operation}</DocumentOperation>"
        f"<FaultMessageArray><FaultMessage>{_text('Code', complaint.code)}{_text('Message', complaint.message)}"
        f"</FaultMessage></FaultMessageArray>{_text('Field', complaint.field)}<Service>{service}</Service>"
        f"<ServiceOperation>{operation}</ServiceOperation><ServiceOperationParameter>{document}</ServiceOperationParameter>"
        f'{_text("XPath", complaint.xpath)}<XmlLine i:nil="true"/><XmlPosition i:nil="true"/></FaultMessageList>'
    )


def _text(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>" if value else f'<{name} i:nil="true"/>'


def _envelope(fault: str) -> bytes:
    return f'<s:Envelope xmlns:s="{ns.SOAP}"><s:Body><s:Fault>{fault}</s:Fault></s:Body></s:Envelope>'.encode()
