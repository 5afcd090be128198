"""Whether the port's schema takes create records, without asking it about every one of them. It never says so on a guess.

What a schema asks is either of a record's structure or of its single texts. Texts are checked by their fields' facets, where
these are all there is. Structures repeat from batch to batch: one record of each is put before the schema itself, once.
"""

from typing import Final

from workers import aos
from workers.documents import Structure, TableWriter, Writer, Written

#: So many structures are kept as proved; rows with ever other cells filled could bring any number.
_MOST_KEPT: Final = 2_000


class Proof:
    """What is known of the create records of one batch."""

    def __init__(self, port: aos.Port, writer: Writer | TableWriter) -> None:
        self._port = port
        self._writer = writer
        self._examples: dict[Structure, str] = {}
        self._sure = True

    def add(self, written: Written) -> None:
        """Takes in records as they were written."""
        self._sure = self._sure and written.sure
        for structure, place in written.structures.items():
            self._examples.setdefault(structure, written.records[place])

    def holds(self) -> bool:
        """Whether the schema surely takes every one of the records. If not, it must be asked about them."""
        if not self._sure:
            return False
        proved = self._port.proved
        new = {structure: record for structure, record in self._examples.items() if structure not in proved}
        if new and self._port.invalid(self._writer.create(dict.fromkeys(new.values())).document):
            return False
        if len(proved) > _MOST_KEPT:
            proved.clear()
        proved.update(new)
        return True
