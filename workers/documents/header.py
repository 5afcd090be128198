"""What stands in a document before its records, as the mapping says: ValidAsOfDateTime, DocPurpose, SenderId ..."""

from collections.abc import Mapping
from typing import Final

from connector.wire.metadata import Document
from workers import contract
from workers.documents import text
from workers.errors import GiveUp, Reject

#: The worker itself says whether an update clears.
CLEAR: Final = "ClearNilFieldsOnUpdate"


def header(document: Document, given: Mapping[str, str]) -> str:
    """The elements, in schema order. Raises GiveUp for one that the contract does not have, or that takes no such text."""
    fields = {field.name: field for field in document.fields if field.name != CLEAR}
    if unknown := next((name for name in given if name not in fields), None):
        raise GiveUp(
            f"The document {document.name} has no {unknown}.",
            advice="Read the endpoint's metadata again (rapidstart endpoint metadata NAME --refresh), or correct the mapping.",
            code="RSC-5951",
        )
    try:
        return "".join(
            f"<{name}>{text.escaped(contract.lexical(field, given[name]))}</{name}>"
            for name, field in fields.items()
            if given.get(name)
        )
    except Reject as error:
        raise GiveUp(
            error.message, advice=error.advice or "Correct it in the mapping and load again.", code="RSC-5950"
        ) from error
