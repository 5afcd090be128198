"""Text as it stands inside an XML element. It never drops or replaces a character in silence."""

from typing import Final

from workers import contract
from workers.errors import Reject

#: A parser turns a bare carriage return into a line feed. A line feed is spelled out as well, so that a record
#: is always one line of its document, and the line that a schema error names is the row.
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "\n": "&#10;"})


def is_plain(text: str) -> bool:
    """Whether the text surely stands for itself in an element: nothing to escape, nothing that XML forbids.

    Every character that XML forbids is unprintable to Python. Some that it allows are too: no harm is done.
    """
    return text.isprintable() and "&" not in text and "<" not in text and ">" not in text


def escaped(text: str) -> str:
    """The text as it stands in an element.

    Raises Reject for a character that XML 1.0 has no place for (most control characters, lone surrogates).
    """
    if is_plain(text):
        return text
    if found := contract.FORBIDDEN.search(text):
        raise Reject(
            f"The character U+{ord(found[0]):04X} at position {found.start() + 1} is not allowed in XML.",
            advice="Remove the character from the cell.",
            code="RSC-3103",
        )
    return text.translate(_ESCAPES)
