"""Tables that a package could fill if nothing were known of an AX: names and keys that are valid in AX and in XML."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from connector.intake.keys import guess_key
from connector.intake.values import Action, Package
from connector.wire.metadata import SYSTEM_FIELDS

_LONGEST: Final = 80  # AX allows names of 80 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnShape:
    """A column as the package names it, and the field that it fills."""

    column: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """A table made up for one entity; `key` are field names."""

    entity: str
    table: str
    key: tuple[str, ...]
    columns: tuple[ColumnShape, ...]


def tables(package: Package) -> list[TableShape]:
    """A table for each entity. Where it can be, names differ from the package's by case and punctuation only.

    Raises PackageRefused, as keys are guessed from the rows where the package declares none.
    """
    names = _unique(action.entity for action in package.actions)
    return [_shape(action, name) for action, name in zip(package.actions, names, strict=True)]


def _shape(action: Action, table: str) -> TableShape:
    fields = dict(zip(action.columns, _unique(action.columns), strict=True))
    key = action.declared_key or guess_key(action)
    return TableShape(
        entity=action.entity,
        table=table,
        key=tuple(fields[column] for column in key),
        columns=tuple(ColumnShape(column=column, field=field) for column, field in fields.items()),
    )


def _unique(names: Iterable[str]) -> Iterator[str]:
    taken = {name.casefold() for name in SYSTEM_FIELDS}
    for name in names:
        safe = _safe(name)
        number, free = 1, safe
        while free.casefold() in taken:
            number += 1
            free = f"{safe[: _LONGEST - 6]}_{number}"
        taken.add(free.casefold())
        yield free


def _safe(name: str) -> str:
    """Letters, digits and _, with a letter in front. Letters beyond ASCII are valid in XML but not in AX."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "", name)[:_LONGEST]
    return plain if plain[:1].isalpha() else f"F{plain}"[:_LONGEST]
