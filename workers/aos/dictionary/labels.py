"""Texts of labels in one language: each id is asked for once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from connector.wire.dictionary import DataEnum
from workers.aos.dictionary.raw import RawTable
from workers.aos.dictionary.resolving import Names
from workers.aos.dictionary.service import MetadataService
from workers.aos.dictionary.slicing import sliced

#: Labels of one question; one is a short text and a comment.
_AT_ONCE: Final = 500
#: What begins so is a label's id; all else is a text as it stands.
_SIGN: Final = "@"


class Labels:
    """Those that were met so far."""

    def __init__(self, service: MetadataService, *, language: str, skip: Callable[[str, str], None]) -> None:
        self.language = language
        self._service = service
        self._skip = skip
        self._known: dict[str, str] = {}

    def learn(self, ids: Iterable[str]) -> None:
        """Ask for those of these ids that are not known yet. Raises as `MetadataService` does."""
        new = sorted({each for each in ids if each.startswith(_SIGN) and each.casefold() not in self._known})
        for some, found in sliced(new, self._asked, size=_AT_ONCE, is_there=self._service.languages, skip=self._skip):
            self._known.update((each.casefold(), "") for each in some)
            self._known.update((name.casefold(), text) for name, text in found)

    def text(self, label: str) -> str:
        """The text of a label's id; "" where AX has none. What is no id is a text."""
        return self._known.get(label.casefold(), "") if label.startswith(_SIGN) else label

    def enum(self, raw: DataEnum) -> DataEnum:
        """An enumeration with texts in place of ids."""
        entries = tuple(each.model_copy(update={"label": self.text(each.label)}) for each in raw.entries)
        return raw.model_copy(update={"label": self.text(raw.label), "entries": entries})

    def _asked(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        return list(self._service.labels(ids, language=self.language).items())


def of_table(raw: RawTable, names: Names) -> list[str]:
    """The labels of a table and its fields."""
    return [raw.label, *(names.label(each) for each in raw.fields)]


def of_enum(raw: DataEnum) -> list[str]:
    """The labels of an enumeration and its entries."""
    return [raw.label, *(each.label for each in raw.entries)]
