"""Open what a user hands in: sniff it by its bytes, and hand it to the reader of its format."""

from pathlib import Path, PurePosixPath
from typing import Final

from connector.errors import PackageRefused, Place
from connector.intake import content, datapackage, fixed, flatfile, sources, workbook
from connector.intake.sources import Source
from connector.intake.values import Action, Limits, Package, PackageFormat

__all__ = ["Action", "Package", "count_rows", "open_package"]

MAPPING: Final = "rapidstart.toml"
_MAPPING_BYTES: Final = 1_000_000
#: What often lies beside the data and is none: left out with a notice. Only here does an extension decide.
_BESIDE: Final = (
    *(".md", ".pdf", ".doc", ".docx", ".pptx", ".html", ".htm", ".log", ".sha256"),
    *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".json", ".yml", ".yaml", ".toml", ".ini", ".lnk"),
)


def open_package(path: Path, *, name: str | None = None, limits: Limits = Limits()) -> Package:  # noqa: B008  a frozen value
    """The package in a file (or folder) on this computer; `name` is what its user calls it.

    Reads CSV, XLSX, a zip or folder of these, and data packages with a manifest. Files are looked at, not loaded: rows are
    read when `Action.rows` is iterated, from `path`, which must stay where it is. Raises PackageRefused.
    """
    shown = name or path.name
    if path.is_dir():
        return _collection(shown, sources.of_folder(path), "folder", limits)
    source = sources.of_file(path, name=shown)
    match content.kind(source):
        case "zip":
            return _collection(shown, sources.of_zip(path, name=shown, limits=limits), "zip", limits)
        case "workbook":
            told = fixed.head_of(source, workbook.book(source, limits), limits)
            if told is not None:
                return Package(name=shown, format="workbook", actions=fixed.sheets(source, told, limits), corrects=told.job)
            actions, notices = workbook.open_workbook(source, limits=limits)
            return _package(shown, "workbook", actions, notices)
        case "text":
            action, said = flatfile.open_flatfile(source, limits=limits)
            return _package(shown, "csv", [action], list(said))
        case "xml":
            raise PackageRefused(
                "This is an XML file on its own.",
                advice="Hand in the data package (zip) that it belongs to, or CSV or XLSX.",
                place=Place(file=shown),
            )


def count_rows(package: Package) -> tuple[int, ...]:
    """The number of rows of each action. Reads the whole package, and so finds every fault that lies in it.

    Raises PackageRefused.
    """
    return tuple(sum(1 for _ in action.rows()) for action in package.actions)


def _collection(name: str, found: list[Source], form: PackageFormat, limits: Limits) -> Package:
    files = [source for source in found if not _is_litter(source.name)]
    mapping = next((source for source in files if PurePosixPath(source.name).name.casefold() == MAPPING), None)
    manifests = sorted((source for source in files if datapackage.is_manifest(source)), key=lambda source: source.name.count("/"))
    data = [source for source in files if source is not mapping]
    if manifests:
        form = "datapackage"
        actions, notices = datapackage.open_datapackage(manifests[0], data, limits=limits)
    else:
        actions, notices = _files(data, limits)
    return _package(name, form, actions, notices, mapping=_text(mapping) if mapping else None)


def _files(files: list[Source], limits: Limits) -> tuple[list[Action], list[str]]:
    actions: list[Action] = []
    notices: list[str] = []
    for source in sorted(files, key=lambda source: _natural(source.name)):
        if PurePosixPath(source.name).suffix.casefold() in _BESIDE:
            notices.append(f"{source.name} is not read: it is not a table.")
            continue
        match content.kind(source):
            case "text":
                action, said = flatfile.open_flatfile(source, limits=limits)
                actions.append(action)
                notices.extend(said)
            case "workbook":
                sheets, heard = workbook.open_workbook(source, limits=limits)
                actions.extend(sheets)
                notices.extend(heard)
            case "zip":
                raise PackageRefused(
                    "a zip inside of the zip is not read.", advice="Unpack it first.", place=Place(file=source.name)
                )
            case "xml":
                notices.append(f"{source.name} is not read: XML is only read where a manifest names it.")
    return actions, notices


def _package(name: str, form: PackageFormat, actions: list[Action], notices: list[str], *, mapping: str | None = None) -> Package:
    if not actions:
        said = " ".join(notices)
        raise PackageRefused(
            f"the package holds no table. {said}".strip(),
            advice="Hand in CSV, XLSX, a zip of these, or a data package.",
            place=Place(file=name),
        )
    return Package(name=name, format=form, actions=tuple(actions), notices=tuple(notices), mapping_toml=mapping)


def _natural(name: str) -> tuple[str, list[tuple[int, str]]]:
    """Sort key that puts "2 Groups" before "10 Customers", folder by folder."""
    folder, _, file = name.rpartition("/")
    digits = file[: len(file) - len(file.lstrip("0123456789"))]
    return folder, [(int(digits) if digits else 10**9, file.casefold())]


def _is_litter(name: str) -> bool:
    parts = name.split("/")
    return (
        any(part.startswith(".") for part in parts) or "__MACOSX" in parts or parts[-1].casefold() in {"thumbs.db", "desktop.ini"}
    )


def _text(source: Source) -> str:
    if source.size > _MAPPING_BYTES:
        raise PackageRefused("the mapping is longer than any mapping is.", place=Place(file=source.name))
    with sources.reading(source.name), source.open() as stream:
        try:
            return stream.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PackageRefused(
                "the mapping is not UTF-8 text.", advice="Save it as UTF-8.", place=Place(file=source.name)
            ) from error
