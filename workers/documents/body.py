"""What a writer makes: the bytes of a request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request element, and the document inside it: what is sent, and what the schema is asked about."""

    request: bytes
    document: bytes
    """empty for a delete. Its first line is the root element; then each record is one line"""
