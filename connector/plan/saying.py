"""The mapping that would say what a plan decided by itself: to be looked at, changed, and kept. Pure."""

from collections import Counter
from collections.abc import Mapping as AnyMapping
from typing import Any

import tomlkit

from connector.plan.inspect import ColumnShown, EntityShown, Inspection
from connector.plan.mapping import Mapping, TableMapping


def said(found: Inspection, mapping: Mapping) -> Mapping:
    """The mapping with the targets, keys and fields that the plan decided, so that the same is decided with it.

    Guessed keys are left out: said, they would be no guesses, and records be updated by them. So is what nobody has decided yet,
    and what one word would say of several entities.
    """
    names = Counter(each.entity for each in found.entities)
    decided = {each.entity: _decided(each, mapping.of(each.entity)) for each in found.entities if _can_say(each, names)}
    return mapping.model_copy(update={"table": {**mapping.table, **decided}})


def changed(mapping: Mapping, entity: str, *, target: str | None, key: tuple[str, ...], fields: AnyMapping[str, str]) -> Mapping:
    """The mapping with another target, key and fields of one entity; None and empty ones are decided by the plan."""
    own = mapping.of(entity).model_copy(update={"target": target, "key": key, "fields": dict(fields)})
    table = {name: each for name, each in mapping.table.items() if name != entity}
    if own != TableMapping():
        table[entity] = own
    return mapping.model_copy(update={"table": table})


def field(column: ColumnShown) -> str:
    """The field that a column fills, or a part of one, as a mapping says it; "" for none."""
    return f"{column.field}.{column.part}" if column.field and column.part else column.field or ""


def toml(mapping: Mapping) -> str:
    """The mapping as TOML; "" where it says nothing."""
    told: dict[str, Any] = mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return tomlkit.dumps(told) if told else ""


def _can_say(each: EntityShown, names: Counter[str]) -> bool:
    """Whether it is a step of records; calls have words of their own, which only a person knows."""
    return each.step is not None and each.mode is not None and names[each.entity] == 1


def _decided(each: EntityShown, own: TableMapping) -> TableMapping:
    fields = {column.column: field(column) for column in each.columns}
    key = () if each.key_is_guess else each.key
    return own.model_copy(update={"target": own.target or each.target, "key": own.key or key, "fields": fields | own.fields})
