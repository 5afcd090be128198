"""The mapping: what a consultant says where names do not match by themselves. TOML text in, values out."""

import tomllib
from collections.abc import Mapping as AnyMapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.errors import Place, PlanRefused
from connector.plan import names
from connector.wire.jobs import Blank


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Parent(_Strict):
    """The record that rows are nested in, and which columns of theirs (left) equal which of their parent's rows (right)."""

    target: str
    on: dict[str, str] = {}


class TableMapping(_Strict):
    """What the mapping says of one entity."""

    target: str | None = None
    key: tuple[str, ...] = Field(default=(), strict=False)
    fields: dict[str, str] = {}
    """column -> AX field; "" leaves the column out"""
    constants: dict[str, str] = {}
    """AX field -> the same value in every row"""
    parent: Parent | None = None
    unit: tuple[str, ...] = Field(default=(), strict=False)
    blank: Blank | None = Field(default=None, strict=False)
    after: tuple[str, ...] = Field(default=(), strict=False)


class Mapping(_Strict):
    """The mapping of a package, by entity. An empty one says nothing."""

    table: dict[str, TableMapping] = {}

    def of(self, entity: str) -> TableMapping:
        """What is said of an entity; all defaults where nothing is."""
        return self.table.get(entity, _SILENT)


_SILENT: Final = TableMapping()


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
    return PlanRefused(f"the mapping's {where} cannot be used: {problem['msg']}.", place=Place(file=name))


def _words(path: list[str]) -> list[str]:
    if len(path) == 1:
        return list(Mapping.model_fields)
    return list((Parent if len(path) > 3 and path[2] == "parent" else TableMapping).model_fields)
