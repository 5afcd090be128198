"""Fields that AX takes as a whole, against what it holds: dimensions, accounts, dates with a time zone beside them.

Their parts are compared one by one, as sets: neither order nor the case of names counts, and an absent part is an empty one.
Where one of them changes, `Before` names all, so that what the row leaves alone goes back with what it says.
"""

from collections.abc import Mapping

from connector.wire.codec import Row
from connector.wire.jobs import Blank
from connector.wire.reports import Before
from workers import aos, contract
from workers.documents import Compound, Shape, elements

Texts = Mapping[str, str | None]
"""by the name in `Before.values`: `Field`, or `Field.Part`"""


def spelled(shape: Shape, record: aos.Record) -> dict[str, str | None]:
    """The record's texts, those of parts under the names that the package has for them."""
    told = dict(record.values)
    for compound in shape.compounds:
        for part, name in compound.names(record.values):
            told[compound.name(part)] = told.pop(name)
    return told


def beside(shape: Shape, compound: Compound, row: Row, told: Texts, found: Texts, *, path: str) -> dict[str, str | None]:
    """What must be known beside the parts that differ (they are in `found`): all others that the record holds.

    Nothing, where neither a part differs nor one goes because the row does not speak of it.
    """
    mine = {compound.name(part): told[name] for part, name in compound.names(told)}
    differs = any(path + cell.field.name in found for cell in compound.cells)
    if not differs and not _goes(shape, compound, row, mine):
        return {}
    return {path + name: old for name, old in mine.items()}


def mandatory(shape: Shape, told: Texts) -> dict[str, str | None]:
    """All parts of fields that AX wants in every record."""
    demanded = [compound for compound in shape.compounds if compound.field.mandatory]
    return {name: told[name] for compound in demanded for _, name in compound.names(told)}


def changed(shape: Shape, compound: Compound, row: Row, before: Before, *, path: str) -> bool:
    """Whether an update under `before` changed a part of the field."""
    inside = {name.removeprefix(path): old for name, old in before.values.items() if name.startswith(path)}
    old = {compound.name(part): inside[name] for part, name in compound.names(inside)}
    if not old:
        return False
    said = [(cell, cell.text(row)) for cell in compound.cells]
    speaks = [(cell, text) for cell, text in said if text or (text == "" and shape.layout.blank is Blank.CLEAR)]
    differ = (contract.comparable(c.field, text) != contract.comparable(c.field, old.get(c.field.name)) for c, text in speaks)
    return any(differ) or _goes(shape, compound, row, old)


def _goes(shape: Shape, compound: Compound, row: Row, old: Texts) -> bool:
    held = {part: old[name] for part, name in compound.names(old)}
    return elements.replaced(compound, compound.said(row), held, clears=shape.layout.blank is Blank.CLEAR)
