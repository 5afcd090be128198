"""What a field's contract makes of a text: its lexical form in a document, and what two texts must share to be the same.

Pure: it knows `wire.metadata` values and nothing of XML libraries, sockets or queues. What fits a field is told
by `wire.values`, what is the same by `wire.comparing`.
"""

from connector.wire import values
from connector.wire.comparing import NO_DATE, comparable, folded
from connector.wire.metadata import Field
from connector.wire.values import FORBIDDEN, length
from workers.errors import Reject

__all__ = ["FORBIDDEN", "NO_DATE", "comparable", "folded", "length", "lexical"]


def lexical(field: Field, text: str) -> str:
    """`text` as it must stand in an element of this field, not yet escaped.

    Strings and decimals stay as they are written. Raises Reject with a sentence where the text cannot be such a value.
    """
    try:
        return values.lexical(field, text)
    except values.Unfit as unfit:
        raise Reject(unfit.message, advice=unfit.advice, code=unfit.code) from unfit
