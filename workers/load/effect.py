"""Date-effective records: which of several of one key is meant."""

from datetime import datetime
from typing import Final

from connector.wire.metadata import FieldType
from workers import aos, contract
from workers.documents import Shape

#: What the mapping says beside the records, where the records of one moment are meant.
AS_OF: Final = "ValidAsOfDateTime"


def is_meant(shape: Shape, record: aos.Record) -> bool:
    """Whether a record holds at the moment that the mapping names; true where it names none, or ValidFrom tells records apart.

    AX answers a find with the records of its own choice (those of today, unless its query says otherwise), and the request has
    no place for a moment: what it answers is sorted out here. A record without an end holds for ever.
    """
    as_of, start, end = shape.layout.document.get(AS_OF), shape.table.field("ValidFrom"), shape.table.field("ValidTo")
    if not as_of or start is None or end is None or "ValidFrom" in shape.layout.key:
        return True
    day = datetime.fromisoformat(as_of).date().isoformat()
    wanted = day if start.type is FieldType.DATE else as_of
    begins, ends = record.values.get("ValidFrom"), record.values.get("ValidTo")
    since: object = contract.comparable(start, begins)
    until: object = contract.comparable(end, ends)
    moment: object = contract.comparable(start, wanted)
    return (not begins or since <= moment) and (not ends or moment <= until)  # type: ignore[operator]
