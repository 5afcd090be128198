"""What this computer lets any dispatcher do: the policy file on it, which no message and no dispatcher's setting can widen.

Every order is held against it before its first call. What the file does not allow is refused; a word that it does not know
makes it invalid: a limit that was misspelt must not be no limit.
"""

import json
import platform
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from connector.wire import codec
from connector.wire.jobs import (
    ImportDictionary,
    Load,
    LoadClasses,
    LoadFiles,
    LoadFlatFile,
    LoadServices,
    LoadTables,
    Mode,
    Target,
)
from workers.errors import GiveUp

#: In the folder of an endpoint.
FILE: Final = "policy.toml"

_WRITES: Final[dict[str, tuple[str, ...]]] = {
    Mode.UPSERT: ("create", "update"),
    Mode.CREATE: ("create",),
    Mode.UPDATE: ("update",),
    Mode.DELETE: ("delete",),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassCaller(_Strict):
    """An operation that calls classes: which of its parameters take the class' name and the method's."""

    class_: Annotated[str, Field(alias="class", min_length=1)]
    method: Annotated[str, Field(min_length=1)]


#: This project's own table and class service (deploy/ax).
_OWN: Final = {"RapidStartTableService.invoke": ClassCaller.model_validate({"class": "_class", "method": "_method"})}


class Policy(_Strict):
    """What orders may do here; patterns as `CustomerGroupService.*`, in any case of letters. What is left out is nothing."""

    addresses: tuple[str, ...] = ()
    """patterns of service addresses that are called"""
    companies: tuple[str, ...] = ()
    """patterns of companies, as DataAreaId"""
    operations: tuple[str, ...] = ()
    """patterns of `Service.operation`; with the customer's table service, `Service.Table.operation`"""
    classes: tuple[str, ...] = ()
    """patterns of `Class.method`"""
    folders: tuple[str, ...] = ()
    """names of file ports (`aif_files` in the settings), and `dixf`"""
    identities: Annotated[tuple[str, ...], Field(max_length=0)] = ()
    """whom calls may be made for (LogonAsUser): nobody, no order can ask for it"""
    given_contracts: bool = False
    """the dispatcher may bring the contract of a port: such a contract says what a service's name stands for"""
    class_callers: Mapping[str, ClassCaller] = _OWN
    """by `Service.operation`: the operations that call classes. They are called as class actions, or not at all"""

    def check(self, message: codec.Message) -> None:
        """Raises GiveUp (RSC-5981) where the order of `message` is not allowed here."""
        for what, allowed in self._asked(message):
            if not allowed:
                raise GiveUp(
                    f"The policy on {platform.node()} does not allow {what}.",
                    advice="If it should, its administrator adds that to the endpoint's policy file there, and starts the "
                    "worker anew. Nothing was called.",
                    code="RSC-5981",
                )

    def _asked(self, message: codec.Message) -> Iterator[tuple[str, bool]]:
        """What an order asks for, in words, and whether it is allowed."""
        if isinstance(message, Load):
            yield from self._of_load(message)
            return
        for address in (*_texts(message, "addresses"), *_own_services(message)):
            yield f"the address {address}", _fits(address, self.addresses)
        company = getattr(message, "company", None)
        for named in (*_texts(message, "companies"), *([company] if company else [])):
            yield f"the company {named}", _fits(named, self.companies)
        if getattr(message, "contract", None):
            yield "a contract that the dispatcher brings", self.given_contracts

    @field_validator("class_callers")
    @classmethod
    def _own_too(cls, callers: Mapping[str, ClassCaller]) -> Mapping[str, ClassCaller]:
        return {**_OWN, **callers}

    @field_validator("addresses")
    @classmethod
    def _whole_origins(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """A pattern must not leave open where a computer's name ends."""
        for pattern in patterns:
            parts = urlsplit(pattern)
            if pattern != "*" and ("*" in parts.netloc or "?" in parts.netloc or not parts.netloc or not parts.path):
                raise ValueError(f"{pattern!r} must name a computer in full, as http://aos01:80/*")
        return patterns

    def _of_load(self, message: Load) -> Iterator[tuple[str, bool]]:
        yield f"the company {message.company}", _fits(message.company, self.companies)
        if isinstance(message, LoadFlatFile):
            yield "the Data Import/Export Framework (dixf)", _fits("dixf", self.folders)
            yield from self._places([message.marker] if message.marker else [])
            return
        yield from self._places(_targets(message))
        if isinstance(message, LoadFiles):
            yield f"the folder {message.folder or '(the only one)'}", self._folder(message.folder)
        if isinstance(message, LoadClasses):
            yield from self._class_calls(message)
        elif isinstance(message, LoadServices):
            yield from self._operations(message, [message.target.operation, *_writes(message)])
            caller = f"{message.target.service}.{message.target.operation}"
            yield f"calls of {caller} but as class actions", _caller(self.class_callers, caller) is None
        else:
            yield from self._operations(message, _writes(message))

    def _places(self, targets: Iterable[Target]) -> Iterator[tuple[str, bool]]:
        for target in targets:
            yield f"the address {target.address}", _fits(target.address, self.addresses)
            if target.given:
                yield "a contract that the dispatcher brings", self.given_contracts

    def _operations(self, message: Load, operations: Iterable[str]) -> Iterator[tuple[str, bool]]:
        table = f".{message.target.table}" if message.target.table else ""
        for operation in operations:
            name = f"{message.target.service}{table}.{operation}"
            yield f"the operation {name}", _fits(name, self.operations)

    def _folder(self, name: str) -> bool:
        """The only folder has no name in an order: whichever it is, the policy must allow it."""
        return _fits(name, self.folders) if name else "*" in self.folders

    def _class_calls(self, message: LoadClasses) -> Iterator[tuple[str, bool]]:
        """A class is called through an operation of which is known here where it takes the class' name."""
        name = f"{message.target.service}.{message.target.operation}"
        caller = _caller(self.class_callers, name)
        yield f"class calls through {name}", caller is not None and bool(self.classes)
        if caller is None:
            return
        constants = message.layout.constants
        called = f"{constants.get(caller.class_, '')}.{constants.get(caller.method, '')}"
        yield f"the class call {called}", _fits(called, self.classes)
        named = {caller.class_, caller.method}
        others = [*_filled(message), *(path for path in constants if path not in named)]
        yield "rows that name the class", not any(_overlap(path, mine) for path in others for mine in named)


def load(path: Path, *, needed: bool) -> Policy | None:
    """The policy of a file. Where there is none: nothing is allowed where one is `needed`, else None, and all is.

    Raises GiveUp for a file that cannot be read, with the line or the word that is wrong.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        return Policy.model_validate(said)
    except FileNotFoundError:
        return Policy() if needed else None
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
    raise GiveUp(f"the policy file {path.name} cannot be used: {why}.", advice="Correct it, or register anew.", code="RSC-5982")


def told(policy: Policy | None) -> str:
    """One sentence for the log and for people who ask what is allowed."""
    if policy is None:
        return "there is no policy file: whatever the dispatcher orders is carried out"
    said = {name: getattr(policy, name) for name in ("addresses", "companies", "operations", "classes", "folders")}
    parts = [f"{name} {', '.join(values) or 'none'}" for name, values in said.items()]
    given = "" if policy.given_contracts else "; no contracts that the dispatcher brings"
    return f"the policy allows {'; '.join(parts)}; no other identity{given}"


def text(*, addresses: Sequence[str], companies: Sequence[str], operations: Sequence[str] = ("*",)) -> str:
    """A policy file for what was shown and agreed to at registration. Class calls and folders are left to be added by hand."""
    told = {"addresses": addresses, "companies": companies, "operations": operations, "classes": (), "folders": ()}
    lines = [f"{name} = {json.dumps(list(values), ensure_ascii=False)}" for name, values in told.items()]
    return "\n".join(["# What any dispatcher may have done on this computer. What is not named is refused.", *lines, ""])


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _caller(callers: Mapping[str, ClassCaller], operation: str) -> ClassCaller | None:
    return next((caller for name, caller in callers.items() if name.casefold() == operation.casefold()), None)


def _writes(message: Load) -> tuple[str, ...]:
    """The writing operations that an order may lead to, those of a call to be repeated included."""
    open_intent = (message.open_intent.operation,) if message.open_intent else ()
    return (*_WRITES[message.mode], *open_intent) if isinstance(message, LoadTables | LoadFiles) else open_intent


def _targets(message: Load) -> Iterator[Target]:
    """Every service that an order names."""
    yield from (value for _, value in message if isinstance(value, Target))
    if isinstance(message, LoadTables):
        yield from (reference.target for reference in message.references)


def _filled(message: LoadClasses) -> Iterator[str]:
    """Every parameter that rows fill, by its path; of lists the list."""
    yield from (column.field for column in message.layout.columns)
    yield from (child.table for child in message.layout.children)
    if message.parameters:
        yield message.parameters


def _overlap(one: str, other: str) -> bool:
    """Whether two paths fill the same parameter, or one a part of the other."""
    mine, theirs = f"{one.casefold()}.", f"{other.casefold()}."
    return mine.startswith(theirs) or theirs.startswith(mine)


def _own_services(message: codec.Message) -> Iterator[str]:
    """AX's own service that an import calls, beside the ports that the order names."""
    if isinstance(message, ImportDictionary):
        for address in (each for each in message.addresses if each.lower().startswith("net.tcp:")):
            yield f"{address.partition('?')[0].rpartition('/')[0]}/MetadataService"


def _texts(message: codec.Message, name: str) -> tuple[str, ...]:
    found = getattr(message, name, ())
    return found if isinstance(found, tuple) else ()
