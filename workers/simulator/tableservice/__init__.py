"""The X++ table and class service of deploy/ax, as the pretend AOS plays it: over the same records as its document services.

It knows the contract from deploy/ax/CONTRACT.md alone. A port has the service where its WSDL says so, whatever its address.
"""

from collections.abc import Callable, Mapping
from typing import Final

from lxml import etree

from workers.simulator import envelope
from workers.simulator import namespaces as ns
from workers.simulator.faults import refused
from workers.simulator.tableservice import describing, invoking, reading, writing
from workers.simulator.tableservice.invoking import POSTINGS
from workers.simulator.tableservice.request import TableCall
from workers.simulator.validation import Validator, Violation

NAME: Final = "RapidStartTableService"
WRITING: Final = frozenset({"createRows", "updateRows", "deleteRows", "invoke"})

#: What answers an operation: the content of its response element.
OPERATIONS: Final[Mapping[str, Callable[[TableCall], str]]] = {
    "describe": describing.describe,
    "companies": describing.companies,
    "databaseMark": describing.database_mark,
    "readRows": reading.read_rows,
    "createRows": writing.create_rows,
    "updateRows": writing.update_rows,
    "deleteRows": writing.delete_rows,
    "invoke": invoking.invoke,
}


def check(validator: Validator, operation: str, request: etree._Element) -> None:
    """Refuse what the contract does not allow. A real AOS may drop misplaced elements in silence: worse. Raises AifError."""
    expected = envelope.wrapper(NAME, operation, "Request")
    if request.tag != f"{{{ns.TABLE_SERVICES}}}{expected}":
        raise refused(f"The message body holds '{etree.QName(request).localname}', not '{expected}'.")
    try:
        validator.check(request)
    except Violation as violation:
        raise refused("; ".join(message for _, message in violation.complaints())) from violation


__all__ = ["NAME", "OPERATIONS", "POSTINGS", "WRITING", "TableCall", "check"]
