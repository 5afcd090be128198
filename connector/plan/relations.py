"""References between entities as AX's data dictionary tells them: the relations of a table, and those it inherits.

Each is an edge of the order; one whose field AX lets be filled later may wait for a second pass.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from connector.plan import knowing
from connector.plan.drafts import Draft, root_of
from connector.plan.knowing import GIVEN
from connector.plan.ordering import Edge
from connector.wire.dictionary import DataTable, Dictionary, TableRelation
from connector.wire.jobs import Mode

_CREATES: Final = frozenset({Mode.CREATE, Mode.UPSERT})
#: Kinds of a record (AccountType = Cust) are few: a column with more texts than this is not looked through.
_MOST_KINDS: Final = 100


def edges(found: Sequence[Draft], labels: Sequence[str], dictionary: Dictionary) -> Iterator[Edge]:
    """An edge for each relation between two entities of the package, or of one to itself, in the package's order.

    `labels` name the drafts. Relations of nested rows order the entities in whose rows they travel. Raises PackageRefused
    where rows cannot be read that tell whether a relation holds for any of them.
    """
    tables = [each.matched.known for each in found]
    roots = [root_of(each, found) for each in found]
    lines = [_names(each, dictionary) for each in found]
    for index, (each, table) in enumerate(zip(found, tables, strict=True)):
        kinds = _Kinds(each, dictionary)
        for relation in table.relations if table else ():
            wanted = relation.table.casefold()
            owners = [other for other, line in enumerate(lines) if wanted in line and found[other].parent is None]
            owners = [owner for owner in owners if owner == index or roots[owner] != roots[index]]
            fields = _filled(each, relation) if owners else ()
            if not fields or not kinds.may_hold(relation):
                continue
            free, stuck = _free(each, found, fields, table)
            for owner in owners:
                yield Edge(
                    before=labels[owner],
                    then=labels[roots[index]],
                    because=f"{each.matched.record.table.name}.{'+'.join(fields)} names {relation.table}",
                    by="relation" if relation.validated and each.mode in _CREATES else "reference",
                    fields=free,
                    stuck=stuck,
                )


def _names(each: Draft, dictionary: Dictionary) -> set[str]:
    """The tables that the rows of an entity are records of: its own, and those it is derived from. A call makes none."""
    own = set() if each.call else {each.matched.record.table.name.casefold()}
    known = each.matched.known
    return own | ({table.name.casefold() for table in knowing.line(known.name, dictionary)} if known else set())


def _filled(each: Draft, relation: TableRelation) -> tuple[str, ...]:
    """The fields by which rows name a record, as the contract spells them; () where rows do not fill all of them."""
    given = {match.field.casefold(): match.field for match in each.matches.filled if match.field}
    given |= {head.casefold(): head for name in each.matched.said.constants if (head := name.partition(".")[0])}
    mine = [field.casefold() for field, _ in relation.fields if field.casefold() not in GIVEN]
    return tuple(given[field] for field in mine) if mine and all(field in given for field in mine) else ()


class _Kinds:
    """Whether any row of an entity may have the values for which alone a relation holds. Where that is not known, it may."""

    def __init__(self, each: Draft, dictionary: Dictionary) -> None:
        self._each = each
        self._enums = {enum.name.casefold(): enum for enum in dictionary.enums}
        self._table = each.matched.known
        self._read: dict[str, set[str] | None] = {}

    def may_hold(self, relation: TableRelation) -> bool:
        """The rows are read where a column says of which kind they are, once. Raises PackageRefused."""
        return all(self._may_be(field, number) for field, number in relation.fixed)

    def _may_be(self, name: str, number: int) -> bool:
        field = self._table.field(name) if self._table else None
        enum = self._enums.get(field.enum.casefold()) if field else None
        if enum is None:
            return True
        if name not in self._read:
            self._read[name] = _texts(self._each, name)
        texts = self._read[name]
        entry = next((entry for entry in enum.entries if entry.number == number), None)
        forms = {entry.symbol.casefold(), entry.label.casefold(), str(number)} if entry else {str(number)}
        return texts is None or any(not text or text.casefold() in forms for text in texts)


def _texts(each: Draft, name: str) -> set[str] | None:
    """The texts that rows hold in a field; None where nothing fills it, or they are too many to be kinds."""
    said = {field.casefold(): text for field, text in each.matched.said.constants.items()}
    if (constant := said.get(name.casefold())) is not None:
        return {constant}
    match = next((match for match in each.matches.filled if (match.field or "").casefold() == name.casefold()), None)
    if match is None:
        return None
    texts: set[str] = set()
    for row in each.matched.action.rows():
        texts.update((cell or "").strip() for cell in row.cells[match.index : match.index + 1])
        if len(texts) > _MOST_KINDS:
            return None
    return texts


def _free(each: Draft, found: Sequence[Draft], fields: Sequence[str], known: DataTable | None) -> tuple[tuple[str, ...], str]:
    """Those of a relation's fields that a second pass may fill, and why none may; "" where some may."""
    if why := _rows_stuck(each, found):
        return (), why
    stuck = {field: _field_stuck(each, field, known) for field in fields}
    free = tuple(field for field, why in stuck.items() if not why)
    return free, "" if free else next(iter(stuck.values()))


def _field_stuck(each: Draft, name: str, known: DataTable | None) -> str:
    field, told = each.matched.record.table.field(name), known.field(name) if known else None
    if name in each.key.fields:
        return "is part of the key"
    if (field and field.mandatory) or (told and told.mandatory):
        return "is mandatory"
    if told and not told.allow_edit:
        return "cannot be changed once the record is there"
    return ""


def _rows_stuck(each: Draft, found: Sequence[Draft]) -> str:
    """Why no row of an entity can be updated after it was created; "" where it can."""
    record = each.matched.record
    if each.parent is not None:
        return "stands in rows that travel in others"
    if any(other.parent == each.matched.index for other in found):
        return "stands in rows that hold others"
    operations = set(record.service.operations)
    if each.matched.said.via != "service" or "update" not in operations or operations.isdisjoint({"find", "read"}):
        return "cannot be filled later, as its rows can only be created"
    if each.matched.said.unit:
        return "stands in rows that are written in one call or not at all"
    if not each.key.fields or each.key.is_guess:
        return "cannot be filled later, as no key is known to find the record by"
    if record.table.is_effective:
        return "cannot be filled later, as its records hold for a span of time: a change would make another"
    return ""
