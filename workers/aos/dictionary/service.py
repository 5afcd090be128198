"""The MetadataService of an AOS: the few of its 54 operations that an import asks, each a method."""

from collections.abc import Sequence
from typing import Final, Literal
from xml.sax.saxutils import escape

from connector.wire.dictionary import DeclaredClass, DeclaredService
from workers.aos import nettcp, systemservice
from workers.aos.dictionary import reading
from workers.aos.dictionary.raw import RawEnum, RawTable
from workers.aos.door import Door
from workers.aos.systemservice import SystemService
from workers.errors import GiveUp, WorkerError

_ARRAYS: Final = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
_NAME: Final = "MetadataService"


def metadata_service(door: Door, addresses: Sequence[str]) -> "MetadataService":
    """The MetadataService of the AOS that one of these addresses is on. Raises GiveUp where none of them is of net.tcp."""
    address = next((found for each in addresses if (found := systemservice.beside(each, _NAME))), None)
    if address is None:
        raise GiveUp(
            "The data dictionary is told over net.tcp alone, and this endpoint has no such address.",
            advice="Name the computer of the AOS: rapidstart endpoint metadata NAME --import --host HOST",
            code="RSC-5934",
        )
    return MetadataService(SystemService(door.transport, address, interface="IAxMetadataService", way=_way(door, address)))


class MetadataService:
    """Each method asks once. All raise Refusal, Retry or GiveUp (workers.errors)."""

    def __init__(self, service: SystemService) -> None:
        self.address = service.address
        self._service = service

    def languages(self) -> list[str]:
        """The languages that labels are there in, as en-us."""
        return [reading.language(each) for each in reading.things(self._service.ask("GetLanguages"))]

    def names(self, of: Literal["Table", "Enum", "Service", "Class"]) -> list[str]:
        """The names of all there is of a kind."""
        return [name for name in reading.texts(self._service.ask(f"Get{of}Names")) if name]

    def tables(self, names: Sequence[str]) -> list[RawTable]:
        """Tables by their names."""
        return [reading.table(each) for each in self._asked("GetTableMetadataByName", _list("tableNames", "string", names))]

    def tables_by_id(self, ids: Sequence[int]) -> list[RawTable]:
        """Tables by their ids."""
        return [reading.table(each) for each in self._asked("GetTableMetadataById", _list("tableIds", "int", ids))]

    def enums(self, names: Sequence[str]) -> list[RawEnum]:
        """Enumerations by their names."""
        return [reading.enum(each) for each in self._asked("GetEnumMetadataByName", _list("enumNames", "string", names))]

    def enums_by_id(self, ids: Sequence[int]) -> list[RawEnum]:
        """Enumerations by their ids."""
        return [reading.enum(each) for each in self._asked("GetEnumMetadataById", _list("enumIds", "int", ids))]

    def data_types_by_id(self, ids: Sequence[int]) -> list[tuple[int, str]]:
        """Labels of extended data types, by the ids of these."""
        asked = self._asked("GetExtendedDataTypeMetadataById", _list("edtIds", "int", ids))
        return [reading.data_type(each) for each in asked]

    def services(self, names: Sequence[str]) -> list[DeclaredService]:
        """Services by their names."""
        asked = self._asked("GetServiceMetadataByName", _list("serviceNames", "string", names))
        return [reading.service(each) for each in asked]

    def classes(self, names: Sequence[str]) -> list[DeclaredClass]:
        """Classes by their names."""
        asked = self._asked("GetClassMetadataByName", _list("classNames", "string", names))
        return [reading.declared_class(each) for each in asked]

    def labels(self, ids: Sequence[str], *, language: str) -> dict[str, str]:
        """Texts of labels in a language, by their ids; what AX does not tell is not there."""
        content = f"<languageId>{escape(language)}</languageId>{_list('labelIds', 'string', ids)}"
        return dict(reading.label(each) for each in self._asked("GetLabelMetadataForLanguageById", content))

    def _asked(self, operation: str, content: str) -> list[reading.Thing]:
        return reading.things(self._service.ask(operation, content))


def _list(name: str, kind: str, values: Sequence[object]) -> str:
    inside = "".join(f"<x:{kind}>{escape(str(value))}</x:{kind}>" for value in values)
    return f'<{name} xmlns:x="{_ARRAYS}">{inside}</{name}>'


def _way(door: Door, address: str) -> nettcp.Way:
    """What the AOS tells of its account; where it tells nothing, other ways to log on are tried."""
    try:
        return door.contract(address).way
    except WorkerError:
        return nettcp.Way()
