"""The import itself: names first, then everything by its name in slices, then ids resolved and labels asked for.

Relations lead by ids to tables that come later, so all tables are held, compactly, until the last of them was read.
"""

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from connector.wire.dictionary import Dictionary
from workers.aos.dictionary import labels, resolving
from workers.aos.dictionary.labels import Labels
from workers.aos.dictionary.raw import RawEnum, RawTable
from workers.aos.dictionary.resolving import Names
from workers.aos.dictionary.service import MetadataService
from workers.aos.dictionary.slicing import sliced
from workers.errors import GiveUp

#: How many are asked for at once, of each kind. A table of a hundred fields is told in some thousands of items.
_TABLES: Final = 20
_ENUMS: Final = 200
_DATA_TYPES: Final = 200
_SERVICES: Final = 50
_CLASSES: Final = 50
#: Sentences about what could not be read that are told one by one.
_MOST_NOTES: Final = 20

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be imported."""

    language: str = "en-us"
    services_only: bool = False
    tables: tuple[str, ...] = ()
    """these alone, with the enumerations of their fields; () for everything"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A slice, which may be empty: it says how far the import is."""

    part: Dictionary
    done: int
    total: int


def imported(service: MetadataService, wish: Wish, *, notes: list[str]) -> Iterator[Imported]:
    """The slices of an import. What could not be read is said in `notes`, a sentence each.

    Raises GiveUp for a language or table that AX does not have, and GiveUp, Refusal and Retry as `MetadataService` does.
    """
    run = _Import(service, wish, notes)
    if wish.services_only:
        yield from run.services()
        return
    run.check_language()
    yield from run.some_tables() if wish.tables else run.everything()


class _Import:
    """One import under way."""

    def __init__(self, service: MetadataService, wish: Wish, notes: list[str]) -> None:
        self._service = service
        self._wish = wish
        self._notes = notes
        self._skipped = 0
        self._names = Names()
        self._labels = Labels(service, language=wish.language, skip=self._skip("label"))
        self._done = self._total = 0

    def check_language(self) -> None:
        """Raises GiveUp for a language that labels are not there in."""
        offered = self._service.languages()
        if self._wish.language.casefold() not in {each.casefold() for each in offered}:
            raise GiveUp(
                f"AX has no labels in {self._wish.language}; it has them in {', '.join(sorted(offered)) or 'no language'}.",
                advice="Name one of these: rapidstart endpoint metadata NAME --import --language LANGUAGE",
                code="RSC-5935",
            )

    def everything(self) -> Iterator[Imported]:
        """Services, enumerations, tables, classes."""
        tables, enums = self._service.names("Table"), self._service.names("Enum")
        services, classes = self._service.names("Service"), self._service.names("Class")
        self._total = len(tables) + len(enums) + len(services) + len(classes)
        yield from self._services(services)
        yield from self._enums(enums, self._service.enums)
        yield from self._tables(tables)
        for found in self._read("class", classes, self._service.classes, size=_CLASSES):
            yield self._slice(classes=tuple(found))

    def services(self) -> Iterator[Imported]:
        """Services alone."""
        names = self._service.names("Service")
        self._total = len(names)
        yield from self._services(names)

    def some_tables(self) -> Iterator[Imported]:
        """The tables that were wished for, and the enumerations of their fields. Raises GiveUp for one that is not there."""
        names = self._chosen(self._service.names("Table"))
        self._total = len(names)
        yield from self._tables(names)

    def _chosen(self, offered: Sequence[str]) -> list[str]:
        by_name = {name.casefold(): name for name in offered}
        missing = [name for name in self._wish.tables if name.casefold() not in by_name]
        if missing:
            near = difflib.get_close_matches(missing[0].casefold(), by_name, n=3)
            meant = f" Similar names: {', '.join(by_name[each] for each in near)}." if near else ""
            raise GiveUp(
                f"AX has no table {', '.join(missing)}.{meant}", advice="Name tables as the AOT has them.", code="RSC-5936"
            )
        return list(dict.fromkeys(by_name[name.casefold()] for name in self._wish.tables))

    def _services(self, names: Sequence[str]) -> Iterator[Imported]:
        for found in self._read("service", names, self._service.services, size=_SERVICES):
            yield self._slice(services=tuple(found))

    def _enums(
        self, keys: Sequence[K], read: Callable[[Sequence[K]], list[RawEnum]], *, counts: bool = True
    ) -> Iterator[Imported]:
        for found in self._read("enumeration", keys, read, size=_ENUMS, counts=counts):
            self._names.enums.update((each.id, each.value.name) for each in found)
            self._names.enum_labels.update((each.id, each.value.label) for each in found)
            self._labels.learn(label for each in found for label in labels.of_enum(each.value))
            yield self._slice(enums=tuple(self._labels.enum(each.value) for each in found))

    def _tables(self, names: Sequence[str]) -> Iterator[Imported]:
        held: list[list[RawTable]] = []
        for found in self._read("table", names, self._service.tables, size=_TABLES):
            held.append(found)
            for each in found:
                self._names.learn(each)
            yield self._slice()
        everyone = [each for some in held for each in some]
        yield from self._enums(self._names.unknown_enums(everyone), self._service.enums_by_id, counts=False)
        self._meet(self._names.unknown_tables(everyone))
        yield from self._data_types(self._names.unknown_data_types(everyone))
        del everyone
        while held:  # what was told is let go
            some = held.pop()
            self._labels.learn(label for each in some for label in labels.of_table(each, self._names))
            yield self._slice(tables=tuple(resolving.table(each, self._names, self._labels.text) for each in some))

    def _data_types(self, ids: Sequence[int]) -> Iterator[Imported]:
        """Learn the labels that fields have from their extended data types."""
        read = self._service.data_types_by_id
        for found in self._read("extended data type", ids, read, size=_DATA_TYPES, counts=False):
            self._names.data_types.update(found)
            yield self._slice()

    def _meet(self, ids: Sequence[int]) -> None:
        """Learn the names of tables that are not imported themselves."""
        for found in self._read("table", ids, self._service.tables_by_id, size=_TABLES, counts=False):
            for each in found:
                self._names.learn(each)

    def _read(
        self, what: str, keys: Sequence[K], read: Callable[[Sequence[K]], list[T]], *, size: int, counts: bool = True
    ) -> Iterator[list[T]]:
        for some, found in sliced(keys, read, size=size, is_there=self._service.languages, skip=self._skip(what)):
            self._done += len(some) if counts else 0
            yield found

    def _slice(self, **part: Any) -> Imported:
        return Imported(part=Dictionary(language=self._wish.language, **part), done=self._done, total=self._total)

    def _skip(self, what: str) -> Callable[[object, str], None]:
        def skip(key: object, reason: str) -> None:
            self._skipped += 1
            if self._skipped <= _MOST_NOTES:
                self._notes.append(f"The {what} {key} could not be read: {reason}")
            elif self._skipped == _MOST_NOTES + 1:
                self._notes.append("More could not be read; see AX' own logs.")

        return skip
