"""The mapping of a load that is prepared: kept by its digest as packages are, and changed entity by entity."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from connector.dispatch import Dispatcher, shelf
from connector.errors import NotFound, PackageRefused, Place, Refused
from connector.ledger import packages
from connector.plan import mapping as reading
from connector.plan import saying
from connector.plan.inspect import EntityShown
from connector.plan.mapping import Mapping
from connector.web import inspection

#: As its file is called, where a person is told of it.
NAME: Final = "mapping.toml"
#: In bytes; the API takes no more.
LARGEST: Final = 1_000_000
_SHOWN: Final = TypeAdapter(list[tuple[str, str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person says of a column: the field that it fills, "" for what the plan finds by itself; or that it is left out."""

    column: str
    field: str
    shown: str
    """the field that the page had shown: unchanged, nothing is said of it that was not said before"""
    left_out: bool = False


def kept(dispatcher: Dispatcher, content: bytes) -> str:
    """Keep a mapping, and the digest by which it is found again. Raises PlanRefused, PackageRefused for what is none."""
    text = _decoded(content)
    reading.parse(text, NAME)
    return dispatcher.keep(shelf.store(dispatcher.shelf, [text.encode()], ceiling=LARGEST), name=NAME).sha256


def text_of(dispatcher: Dispatcher, sha256: str) -> str | None:
    """The text of a mapping that was kept; None for "". Raises NotFound, and PlanRefused where it is something else."""
    if not sha256:
        return None
    path = dispatcher.package_path(sha256)
    if path.stat().st_size > LARGEST:
        raise NotFound("there is no such mapping.", advice="Hand it in again.")
    return _decoded(path.read_bytes())


def of(dispatcher: Dispatcher, sha256: str, *, package: str) -> Mapping:
    """The mapping by which a package is loaded: the one that was handed in, or else its own. Raises as `text_of` does."""
    text = text_of(dispatcher, sha256)
    if text is None:
        with dispatcher.ledger.read() as db:
            record = packages.get(db, package)
        text = inspection.opened(dispatcher, record).mapping_toml or ""
    return reading.parse(text, NAME)


def shown(entity: EntityShown) -> list[tuple[str, str]]:
    """Each column of an entity, and the field that it fills, as a mapping says it; "" for none."""
    return [(each.column, saying.field(each)) for each in entity.columns]


def wishes(shown: str, *, fields: Sequence[str], left_out: Collection[str]) -> list[Wish]:
    """What a form says of the columns that it had `shown`: their names and fields, as JSON. Raises Refused."""
    try:
        told = _SHOWN.validate_json(shown)
    except ValidationError as error:
        raise Refused("the form cannot be read.", advice="Load the page anew, and fill it in there.") from error
    if len(told) != len(fields):
        raise Refused("the form has not come whole.", advice="Load the page anew, and fill it in there.")
    pairs = zip(told, fields, strict=True)
    return [Wish(column=name, field=field, shown=was, left_out=name in left_out) for (name, was), field in pairs]


def wished(said: Mapping, entity: str, *, target: str, key: str, columns: Sequence[Wish]) -> Mapping:
    """The mapping with what a person says of an entity; `key` as names with commas between, "" for what the plan finds."""
    fields = dict(said.of(entity).fields)
    for each in columns:
        if each.left_out:
            fields[each.column] = ""
        elif not each.field.strip():
            fields.pop(each.column, None)
        elif each.field.strip() != each.shown:
            fields[each.column] = each.field.strip()
    names = tuple(name.strip() for name in key.split(",") if name.strip())
    return saying.changed(said, entity, target=target.strip() or None, key=names, fields=fields)


def written(said: Mapping) -> bytes:
    """The mapping as it is kept. One that says nothing stands in the place of the package's own all the same."""
    return (saying.toml(said) or "# It says nothing.\n").encode()


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PackageRefused(
            "the mapping is no text in UTF-8.", advice="Save it as plain text, in UTF-8.", place=Place(file=NAME)
        ) from error
