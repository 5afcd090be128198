"""What a create runs into: documents that AX holds already. Looked up, for AX says so in the words of its language."""

from collections.abc import Callable, Sequence
from typing import Final

from connector.wire.codec import Row
from workers.errors import Refusal
from workers.load.lookup import Found, Lookup

#: So many refused documents are looked up that are not there; then AX refuses for other reasons, and is asked no more.
_MOST_IN_VAIN: Final = 20


class Present:
    """The documents of one batch that were met. `keyed`: whether a row holds its whole key."""

    def __init__(self, lookup: Lookup, rows: Sequence[Row], *, keyed: Callable[[Row], bool]) -> None:
        self.found: dict[int, Found] = {}
        self._lookup = lookup
        self._rows = rows
        self.keyed = keyed
        self._in_vain = 0
        self._looked = False

    def met(self, document: int, rest: Sequence[int]) -> list[int]:
        """A document was refused: whether it is there. The first that is brings along those of `rest` that are there too.

        A key that several records share is none: it proves nothing. Raises Retry and GiveUp.
        """
        if not self._lookup.possible or self._in_vain >= _MOST_IN_VAIN:
            return []
        found = self._unique([document])
        self._in_vain += not found
        if found and not self._looked:
            self._looked = True
            found |= self._unique(rest)
        self.found |= found
        return list(found)

    def _unique(self, documents: Sequence[int]) -> dict[int, Found]:
        rows = {document: self._rows[document] for document in documents if self.keyed(self._rows[document])}
        try:
            found = self._lookup.find(rows)
        except Refusal:  # why the document was refused is known; that it cannot be looked up adds nothing
            return {}
        return {document: there for document, there in found.items() if not there.several}
