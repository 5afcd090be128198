"""Data packages (a zip with Manifest.xml): the manifest says which file holds which entity, and in which order they load.

Files are found by the manifest's InputFilePath, never by sheet name: two entities may share one. The manifest is read from
its bytes, as it is usually UTF-16 without a declaration.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from posixpath import basename
from typing import Final

from lxml import etree

from connector.errors import PackageRefused, Place
from connector.intake import content, flatfile, workbook, xmlfile, xmlstream
from connector.intake.sources import Source, reading
from connector.intake.values import Action, Limits, Order
from connector.wire.codec import Row
from connector.wire.metadata import normalized

MANIFEST: Final = "manifest.xml"
HEADER: Final = "packageheader.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entity:
    """One entity as the manifest describes it."""

    label: str
    name: str
    file: str
    sheet: str
    order: Order | None
    disabled: bool
    fields: dict[str, str]
    """column of the file -> field of the entity; empty when the manifest maps none"""


def is_manifest(source: Source) -> bool:
    """Whether this is a data package's manifest, by its name."""
    return basename(source.name).casefold() == MANIFEST


def open_datapackage(manifest: Source, sources: Iterable[Source], *, limits: Limits) -> tuple[list[Action], list[str]]:
    """The entities' actions in the manifest's order, and notices about what is missing or left out. Raises PackageRefused."""
    files = {basename(source.name).casefold(): source for source in sources}
    with reading(manifest.name), manifest.open() as stream:
        root = xmlstream.parse(stream, place=Place(file=manifest.name))
    actions, notices = [], []
    if HEADER not in files:
        notices.append("PackageHeader.xml is missing; the package is read without it.")
    for entity in _entities(root, manifest.name):
        source = files.get(basename(entity.file.replace("\\", "/")).casefold())
        if entity.disabled:
            notices.append(f"{entity.label} is disabled in the manifest and was left out.")
        elif source is None:
            notices.append(f"{entity.label} was left out: its file {entity.file!r} is not in the package.")
        else:
            found, said = _open(entity, source, limits)
            actions.extend(found)
            notices.extend(said)
    return sorted(actions, key=lambda action: action.order or Order(0, 0, 0)), notices


def _entities(root: etree._Element, file: str) -> list[_Entity]:
    found = [_entity(element) for element in root.iter("{*}DataManagementPackageEntityData")]
    if not found:
        raise PackageRefused("the manifest names no entity.", advice="Export the data package again.", place=Place(file=file))
    return found


def _entity(element: etree._Element) -> _Entity:
    label = _value(element, "EntityName")
    maps = element.iter("{*}EntityMap")
    fields = {_value(each, "XMLField"): _value(each, "EntityField") for each in maps}
    fields.pop("", None)
    return _Entity(
        label=label,
        name=_value(element, "TargetEntity") or label,
        file=_value(element, "InputFilePath") or label,
        sheet=_value(element, "ExcelSheetName").removesuffix("$"),
        order=_order(element),
        disabled=_value(element, "Disable").casefold() in {"true", "1", "yes"},
        fields=fields,
    )


def _order(element: etree._Element) -> Order | None:
    values = [_value(element, name) for name in ("ExecutionUnit", "LevelInExecutionUnit", "SequenceInLevel")]
    return Order(*map(int, values)) if all(value.lstrip("-").isdecimal() for value in values) else None


def _value(element: etree._Element, name: str) -> str:
    """The text of a direct child; "" when it is absent or nil."""
    return (element.findtext(f"{{*}}{name}") or "").strip()


def _open(entity: _Entity, source: Source, limits: Limits) -> tuple[list[Action], list[str]]:
    """The entity's file, opened by what it holds: its SourceFormat may be a name that a customer made up."""
    notices: list[str] = []
    action: Action | None
    match content.kind(source):
        case "workbook":
            sheets, notices = workbook.open_workbook(source, limits=limits)
            action = _sheet(sheets, entity.sheet)
            if action is not None and entity.sheet and normalized(action.sheet or "") != normalized(entity.sheet):
                notices.append(f"{entity.label}: {source.name} has no sheet {entity.sheet!r}; {action.sheet!r} was read.")
        case "xml":
            action = xmlfile.open_xmlfile(source, limits=limits)
        case _:
            action, said = flatfile.open_flatfile(source, limits=limits)
            notices.extend(said)
    if action is None:
        return [], [*notices, f"{entity.label}: {source.name} holds no rows."]
    named = replace(action, entity=entity.name, order=entity.order)
    mapped, unmapped = _mapped(named, entity.fields)
    if unmapped:
        notices.append(f"{entity.label}: columns that the manifest does not map were left out: {', '.join(unmapped)}.")
    return [mapped], notices


def _sheet(sheets: list[Action], name: str) -> Action | None:
    return next((sheet for sheet in sheets if normalized(sheet.sheet or "") == normalized(name)), sheets[0] if sheets else None)


def _mapped(action: Action, fields: dict[str, str]) -> tuple[Action, list[str]]:
    """The action with the manifest's columns only, and the names of the others."""
    if not fields:
        return action, []
    by_name = {normalized(column): field for column, field in fields.items()}
    kept = [index for index, column in enumerate(action.columns) if normalized(column) in by_name]
    unmapped = [column for index, column in enumerate(action.columns) if index not in kept]
    columns = tuple(action.columns[index] for index in kept)
    aliases = {column: by_name[normalized(column)] for column in columns if by_name[normalized(column)] not in {"", column}}
    if not unmapped:
        return replace(action, aliases=aliases), []
    if not kept:
        raise PackageRefused("no column of the file is in the manifest's map.", place=Place(file=action.file, sheet=action.sheet))
    read = action.read

    def rows() -> Iterator[Row]:
        for number, cells, _ in read():
            picked = [cells[index] for index in kept]
            if any(cell and cell.strip() for cell in picked):
                yield Row(number, picked)

    return replace(action, columns=columns, aliases=aliases, read=rows), unmapped
