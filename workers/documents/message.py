"""Asynchronous AIF messages: an Envelope around a document, and a Batch of Envelopes.

Elements and their order as in MicrosoftDocs, "Message header" and "Processing batched messages in AIF".
"""

from collections.abc import Sequence
from typing import Final

from workers.documents import text

_MESSAGE: Final = "http://schemas.microsoft.com/dynamics/2011/01/documents/Message"
_BATCH: Final = "http://schemas.microsoft.com/dynamics/2009/06/documents/Batch"
_DECLARATION: Final = b'<?xml version="1.0" encoding="utf-8"?>\n'

#: AX takes no longer message inside a batch, in bytes.
MAX_MESSAGE: Final = 10_000_000


def envelope(
    document: bytes, *, message_id: str, action: str, company: str, conversation: str = "", partition: str | None = None
) -> bytes:
    """The message that carries a document. `action` is the operation's soapAction.

    Messages of one conversation (at most 256 characters) are carried out in their order, even by a parallel port.
    """
    header = [("MessageId", f"{{{message_id}}}"), ("Company", company), ("Action", action)]
    header += [("ConversationId", conversation)] if conversation else []
    header += [("PartitionKey", partition)] if partition else []
    inside = "".join(f"<{name}>{text.escaped(value)}</{name}>" for name, value in header)
    opening = f'<Envelope xmlns="{_MESSAGE}"><Header>{inside}</Header><Body><MessageParts>'
    return b"".join((opening.encode(), document, b"</MessageParts></Body></Envelope>"))


def message_file(envelopes: Sequence[bytes], *, batch_id: str, conversation: str) -> bytes:
    """The content of a file: one Envelope as it is, several in a Batch. The ids are letters, digits and -/ only."""
    if len(envelopes) == 1:
        return _DECLARATION + envelopes[0]
    opening = f'<Batch xmlns="{_BATCH}" BatchId="{batch_id}" ConversationId="{conversation}">\n'
    return b"".join((_DECLARATION, opening.encode(), b"\n".join(envelopes), b"\n</Batch>\n"))
