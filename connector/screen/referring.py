"""Which values of a package refer to records of other tables, and which of these the package itself brings before.

References are those of AX's data dictionary, and those that the contract shows: a field whose type is the type of another table's
key. Whether AX holds what the package does not bring is not known here: it is a doubt, and never a failure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector.plan import references
from connector.plan.values import Step
from connector.screen.checking import Laid, laid
from connector.screen.duplicates import Fold, Seen, fold
from connector.wire import jobs
from connector.wire.codec import Row
from connector.wire.jobs import Layout, LoadTables, Mode, Target, flatten
from connector.wire.metadata import SYSTEM_FIELDS, Field, Metadata

#: Values of one column that are kept until all rows were read; more are not looked at.
_MOST_LATE: Final = 100_000
_BRINGS = frozenset({Mode.CREATE, Mode.UPSERT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The table whose records are referred to by one key field, and the step that brings some (None: none does)."""

    target: Target
    table: str
    key: Field
    step: int | None = None
    place: int = 0
    """of the key among that step's columns"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referring:
    """A column of a layout whose values are keys of another table's records."""

    part: Layout
    place: int
    owner: Owner
    late: bool = False
    """it is filled in a second pass"""


class References:
    """The references of a plan's steps, and the keys that its rows have brought so far. Rows are told in their order."""

    def __init__(self, steps: Sequence[Step], metadata: Metadata) -> None:
        records = {step.no: step.record for step in steps}
        known = {step.no: laid(step.layout, records) for step in steps if step.parent_step is None}
        owners = _owners([step for step in steps if step.no in known], known, metadata)
        by_no = {step.no: step for step in steps}
        found = {step.no: tuple(_referring(step, known[step.no], owners, by_no)) for step in steps if step.no in known}
        self._of = {no: tuple(each for each in refers if not each.late) for no, refers in found.items()}
        self._late = {no: [_Late(each) for each in refers if each.late] for no, refers in found.items()}
        bringing = {step.no for step in steps if step.mode in _BRINGS}
        wanted = [each.owner for refers in found.values() for each in refers]
        self._brought = {owner.step: _Brought(owner) for owner in wanted if owner.step in bringing}

    def of(self, step: int) -> tuple[Referring, ...]:
        """What the rows of a root step refer to, those nested in them included."""
        return self._of[step]

    def note(self, root: Layout, rows: Sequence[Row]) -> None:
        """What these rows of a root step are given in a second pass may name rows that come only later."""
        for late in self._late[root.step]:
            late.add(_texts(late.referring, root, rows))

    def left(self) -> Iterator[tuple[Referring, list[str]]]:
        """The values of second passes that no row of the package has brought. To be asked once all rows were told."""
        for late in (each for found in self._late.values() for each in found):
            if texts := self._lacking(late.referring, list(late.texts)):
                yield late.referring, texts

    def bring(self, step: int, rows: Sequence[Row]) -> None:
        """These rows of a step go in: what refers to them later is no doubt."""
        if brought := self._brought.get(step):
            brought.add(rows)

    def doubts(self, referring: Referring, root: Layout, rows: Sequence[Row]) -> list[str]:
        """The values in the rows of a root step, each once, that no row has brought before: AX must hold them."""
        return self._lacking(referring, list(dict.fromkeys(_filled(_texts(referring, root, rows)))))

    def _lacking(self, referring: Referring, texts: list[str]) -> list[str]:
        step = referring.owner.step
        brought = None if step is None else self._brought.get(step)
        return texts if brought is None else brought.lacks(texts)


class _Late:
    """The values that the rows of one column get in a second pass, each once."""

    def __init__(self, referring: Referring) -> None:
        self.referring = referring
        self.texts: dict[str, None] = {}

    def add(self, texts: Iterator[str | None]) -> None:
        for text in _filled(texts):
            if len(self.texts) < _MOST_LATE:
                self.texts[text] = None


class _Brought:
    """The keys that the rows of one step bring."""

    def __init__(self, owner: Owner) -> None:
        self._place = owner.place
        self._fold: Fold = fold(owner.key)
        self._seen = Seen()

    def add(self, rows: Sequence[Row]) -> None:
        texts = [row.cells[self._place] or "" if self._place < len(row.cells) else "" for row in rows]
        for row, key in zip(rows, self._fold(texts), strict=True):
            self._seen.add(key, row=row.number)

    def lacks(self, texts: Sequence[str]) -> list[str]:
        return [text for text, key in zip(texts, self._fold(texts), strict=True) if key not in self._seen]


def on_wire(referring: Referring, ask: Sequence[str]) -> jobs.Reference:
    """A reference as a worker is asked about it."""
    owner = referring.owner
    return jobs.Reference(
        step=referring.part.step,
        field=referring.part.columns[referring.place].field,
        target=owner.target,
        table=owner.table,
        key=owner.key.name,
        ask=tuple(ask),
    )


def _filled(texts: Iterator[str | None]) -> Iterator[str]:
    return (text for text in texts if text and text.strip())


def _texts(referring: Referring, root: Layout, rows: Sequence[Row]) -> Iterator[str | None]:
    place = referring.place
    if referring.part.step == root.step:
        return (row.cells[place] for row in rows if place < len(row.cells))
    nested = (each for row in rows for part, each in flatten(root, row) if part.step == referring.part.step)
    return (row.cells[place] for row in nested if place < len(row.cells))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owners:
    """The tables that the package loads, and those that services of the endpoint are known to keep."""

    by_type: Mapping[str, Owner]
    """of the key; a type that several tables' keys have tells nothing"""
    by_name: Mapping[tuple[str, str], Owner]
    """of the table and of its key"""


def _owners(steps: Sequence[Step], known: Mapping[int, Laid], metadata: Metadata) -> _Owners:
    """What the package loads goes before what an endpoint is known to keep."""
    found: dict[str, list[Owner]] = {}
    by_name: dict[tuple[str, str], Owner] = {}
    for step in steps:
        if step.kind == LoadTables.KIND and not step.key_is_guess and (key := _single_key(known[step.no])):
            owner = Owner(target=step.target, table=step.table, key=key[1], step=step.no, place=key[0])
            found.setdefault(references.type_of(key[1]), []).append(owner)
            by_name.setdefault((owner.table.casefold(), owner.key.name.casefold()), owner)
    for owner in _served(metadata):
        by_name.setdefault((owner.table.casefold(), owner.key.name.casefold()), owner)
        name = references.type_of(owner.key)
        if not any(each.step for each in found.get(name, ())):
            found.setdefault(name, []).append(owner)
    only = {name: owners[0] for name, owners in found.items() if name and len({each.table for each in owners}) == 1}
    return _Owners(by_type=only, by_name=by_name)


def _served(metadata: Metadata) -> Iterator[Owner]:
    """The tables of which a service told that it knows its records by one field."""
    for service in metadata.services:
        tables = service.document.tables if service.document else ()
        if len(tables) != 1 or len(service.key) != 1 or service.key[0] in SYSTEM_FIELDS:
            continue
        field = tables[0].field(service.key[0])
        if field:
            target = Target(address=service.address, port=service.port, service=service.name, contract=metadata.fingerprint)
            yield Owner(target=target, table=tables[0].name, key=field)


def _referring(step: Step, known: Laid, owners: "_Owners", steps: Mapping[int, Step]) -> Iterator[Referring]:
    for part in _parts(known):
        own = steps[part.layout.step]
        for place, column in enumerate(part.layout.columns):
            field = part.field(column)
            if field is None or column.part:
                continue
            owner = owners.by_name.get(own.refers.get(field.name.casefold(), ("", ""))) or owners.by_type.get(
                references.type_of(field)
            )
            late = column.field in own.later
            if owner and (late or owner.table not in (part.layout.table, step.table)):
                yield Referring(part=part.layout, place=place, owner=owner, late=late)


def _parts(known: Laid) -> Iterator[Laid]:
    yield known
    for child in known.children:
        yield from _parts(child)


def _single_key(known: Laid) -> tuple[int, Field] | None:
    """The place and field of the one column that is the layout's key."""
    layout = known.layout
    places = [place for place, column in enumerate(layout.columns) if (column.field,) == layout.key and not column.part]
    field = known.field(layout.columns[places[0]]) if places else None
    return (places[0], field) if field else None
