"""The mapping: what a consultant says where names do not match by themselves. TOML text in, values out."""

import tomllib
from collections.abc import Mapping as AnyMapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.errors import Place, PlanRefused
from connector.plan import names
from connector.wire.jobs import Blank, Merge

#: How far what is written reaches.
Scope = Literal["company", "virtual company", "partition", "installation"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Parent(_Strict):
    """The record that rows are nested in, and which columns of theirs (left) equal which of their parent's rows (right)."""

    target: str
    on: dict[str, str] = {}


class StructureMapping(_Strict):
    """How a structure (dimensions, an account) is filled; of an operation, a list of texts that stand in one cell."""

    segments: tuple[str, ...] = Field(default=(), strict=False)
    """the parts that a delimited text holds, in its order"""
    delimiter: str = Field(default="-", min_length=1)
    update: Merge | None = Field(default=None, strict=False)
    """what an update does with dimensions that the package does not name; it must be said where records are updated"""


class ClassMapping(_Strict):
    """The custom service that calls classes, and which of its parameters take what."""

    operation: str
    """as Service.operation"""
    class_: str = Field(alias="class")
    """path of the parameter that takes the class' name"""
    method: str
    """path of the parameter that takes the method's name"""
    parameters: str = ""
    """path of the list that takes the method's parameters; "" where the operation has a parameter for each"""
    name: str = "Name"
    """within an entry of the list: what takes a parameter's name"""
    value: str = "Value"
    """within an entry of the list: what takes its value"""


class TableMapping(_Strict):
    """What the mapping says of one entity."""

    target: str | None = None
    """a record ("CustGroup"), an operation ("CustService.post"), or, with `call = "class"`, a method ("CustPost.run")"""
    call: Literal["class"] | None = None
    """the target is a class and its method"""
    idempotent: bool | None = None
    """of an operation: AX refuses a MessageId that it has seen, so that a call may be repeated (never of a class)"""
    outcome: Literal["created", "updated", "deleted", "unchanged"] | None = None
    """of an operation: what a row is told as when its call was carried out"""
    via: Literal["service", "files", "dixf"] = "service"
    """the way to AX: calls, files for AIF's file system adapter, or files for the Data Import/Export Framework"""
    folder: str = ""
    """of rows that go in files: the file port among the worker's, where it has several"""
    formats: dict[str, Literal["decimal", "date", "datetime", "values"]] = {}
    """of rows for DIXF: what columns hold that are no plain text, by their names in the file"""
    type: str | None = None
    """the derived type of the records, as DirPerson"""
    effective: Literal["now"] | None = None
    """date-effective records hold from now on, as AX decides; else ValidFrom must be filled, or the document's date given"""
    document: dict[str, str] = {}
    """what stands beside the records: ValidAsOfDateTime, DocPurpose ..."""
    structure: dict[str, StructureMapping] = {}
    """by field"""
    key: tuple[str, ...] = Field(default=(), strict=False)
    fields: dict[str, str] = {}
    """column -> AX field; "" leaves the column out"""
    constants: dict[str, str] = {}
    """AX field -> the same value in every row"""
    parent: Parent | None = None
    delete: bool = False
    """of nested rows, in mode update: the records that they name are deleted, and those around them stay"""
    unit: tuple[str, ...] = Field(default=(), strict=False)
    blank: Blank | None = Field(default=None, strict=False)
    after: tuple[str, ...] = Field(default=(), strict=False)
    scope: Scope | None = None
    """how far what is written reaches; beside one that says `company`, loads into other companies may run"""


class Mapping(_Strict):
    """The mapping of a package, by entity. An empty one says nothing."""

    table: dict[str, TableMapping] = {}
    scope: Scope | None = None
    """that of all entities that say nothing else"""
    classes: ClassMapping | None = None

    def of(self, entity: str) -> TableMapping:
        """What is said of an entity; all defaults where nothing is."""
        return self.table.get(entity, _SILENT)


_SILENT: Final = TableMapping()
_TABLE: Final = "words with their values, as { target = ... }, or below a line of their own in brackets"
#: How TOML writes what a word wants, by the name that pydantic gives to a value of another sort.
_WRITTEN: Final = {
    "string_type": 'a text in quotes, as "CustGroup"',
    "string_too_short": "a text of at least one character",
    "tuple_type": 'a list of texts, as ["CustGroup"]',
    "bool_type": "true or false, without quotes",
    "dict_type": _TABLE,
    "model_type": _TABLE,
}


def parse(toml_text: str, name: str) -> Mapping:
    """The mapping in a text; `name` is its file's, for messages.

    Raises PlanRefused for text that is not TOML, for unknown words (with the closest known one) and for values of the wrong sort.
    """
    try:
        return Mapping.model_validate(tomllib.loads(toml_text))
    except tomllib.TOMLDecodeError as error:
        raise PlanRefused(f"the mapping is not valid TOML: {error}.", place=Place(file=name)) from error
    except ValidationError as error:
        # A misspelt word makes the right one missing: the misspelling is what to tell.
        problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        raise _refused(problems[0], name) from error


def _refused(problem: AnyMapping[str, Any], name: str) -> PlanRefused:
    path = [str(part) for part in problem["loc"]]
    where = ".".join(f'"{part}"' if " " in part else part for part in path)
    if problem["type"] == "extra_forbidden":
        known = _words(path)
        close = names.meant(path[-1], known)
        return PlanRefused(
            f"the mapping has {where}, which means nothing here.",
            advice=close or f"Known are {', '.join(known)}.",
            place=Place(file=name),
        )
    return PlanRefused(f"the mapping's {where} {_wrong(problem)}.", advice="Correct it in the mapping.", place=Place(file=name))


def _wrong(problem: AnyMapping[str, Any]) -> str:
    """What a value must be, as TOML writes it, which the user may know less well than AX."""
    if problem["type"] == "missing":
        return "is missing"
    wanted = _WRITTEN.get(problem["type"]) or problem.get("ctx", {}).get("expected", "")
    return f"must be {wanted}" if wanted else f"cannot be used: {problem['msg']}"


def _words(path: list[str]) -> list[str]:
    if len(path) == 1:
        return list(Mapping.model_fields)
    if path[0] == "classes":
        return _named(ClassMapping)
    inner: dict[str, type[BaseModel]] = {"parent": Parent, "structure": StructureMapping}
    return _named(inner.get(path[2], TableMapping) if len(path) > 3 else TableMapping)


def _named(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
