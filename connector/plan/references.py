"""References between entities, where the contract shows them: a field whose type is the type of another table's key."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from connector.plan.columns import Matches
from connector.plan.keys import Key
from connector.plan.matching import Record
from connector.plan.ordering import Edge
from connector.wire.metadata import Field, FieldType

#: A union of an own type with an external code is, for us, that own type.
_UNION: Final = re.compile(r"AxdUnion_(?P<own>.+)_AxdType_ExtCodeValue")
#: Types that say nothing of what a value means: the schema language's own, enumerations, and texts of any content.
_GENERIC: Final = re.compile(
    r"|xsd?:\w+|string|int|long|decimal|date|dateTime|time|boolean|base64Binary"
    r"|AxdType_\w+|AxdEnum_\w+|AxdExtType_(RecId|RecVersion|Name|Description|Integer|NoYesId)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referring:
    """What is known of an action: the entity that it is ordered with (`root`), its record, its columns and its key."""

    root: str
    record: Record
    matches: Matches
    key: Key | None


def edges(among: Sequence[Referring]) -> Iterator[Edge]:
    """An edge for each reference, in the package's order."""
    owners = _owners(among)
    for each in among:
        for match in each.matches.filled:
            field = each.record.table.field(match.field or "")
            owner = owners.get(type_of(field)) if field else None
            if field and owner and owner.root != each.root:
                because = f"{each.record.table.name}.{field.name} refers to {owner.record.table.name}"
                yield Edge(before=owner.root, then=each.root, because=because)


def _owners(among: Sequence[Referring]) -> dict[str, Referring]:
    """The entity whose single key field has a type; a known key beats a guessed one, and a tie belongs to nobody."""
    found: dict[str, list[Referring]] = {}
    for each in among:
        if each.record.path or each.key is None or len(each.key.fields) != 1:
            continue
        field = each.record.table.field(each.key.fields[0])
        if field and (name := type_of(field)):
            found.setdefault(name, []).append(each)
    owners = {}
    for name, candidates in found.items():
        known = [each for each in candidates if each.key and not each.key.is_guess] or candidates
        if len(known) == 1:
            owners[name] = known[0]
    return owners


def type_of(field: Field) -> str:
    """The name of the field's type; "" when it says nothing."""
    if field.symbols or field.type is not FieldType.STRING:
        return ""
    union = _UNION.fullmatch(field.type_name)
    name = union["own"] if union else field.type_name
    return "" if _GENERIC.fullmatch(name) else name
