"""Which endpoints this computer has, and what the AOS instance of each is called: one installation, any number of instances."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import tomlkit
import tomlkit.exceptions

from connector.wire import routes
from workers import keeping
from workers.errors import GiveUp
from workers.settings import FILE, folder_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An endpoint of this computer and the name of its AOS instance."""

    endpoint: str
    name: str


def known(home: Path) -> list[Instance]:
    """Every endpoint with settings of its own on this computer. A file that cannot be read is passed over."""
    found = []
    for file in sorted((home / "endpoints").glob(f"*/{FILE}")):
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        endpoint = str(said.get("endpoint") or file.parent.name)
        found.append(Instance(endpoint=endpoint, name=str(said.get("instance") or endpoint)))
    return found


def find(home: Path, *, endpoint: str | None, instance: str | None) -> Instance:
    """The instance that a person means by an endpoint, by a name, or by both: where only one is said and no file knows more,
    they are the same. Raises GiveUp for names that cannot be one.
    """
    for name in (endpoint, instance):
        if name is not None and not routes.ENDPOINT_NAME.fullmatch(name):
            raise GiveUp(f"{name!r} cannot be a name.", advice="Use up to 40 letters, digits, - and _.", code="RSC-5964")
    if endpoint and instance:
        return Instance(endpoint=endpoint, name=instance)
    asked = (endpoint or instance or "").casefold()
    if not asked:
        raise GiveUp("no endpoint is named.", advice="Say --endpoint NAME or --instance NAME.", code="RSC-5964")
    for each in known(home):
        if asked == (each.endpoint if endpoint else each.name).casefold():
            return each
    return Instance(endpoint=endpoint or instance or "", name=instance or endpoint or "")


def write(home: Path, endpoint: str | None, values: dict[str, object]) -> Path:
    """Put settings into the endpoint's file, or this computer's; what else stands there stays, comments too. None takes a
    setting away. The file. Raises GiveUp.
    """
    folder = folder_of(home, endpoint) if endpoint else home
    file = folder / FILE
    try:
        said = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
        for name, value in values.items():
            if value is None:
                said.pop(name, None)
            elif said.get(name) != value:
                said[name] = value
    except (OSError, UnicodeDecodeError, tomlkit.exceptions.ParseError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise GiveUp(
            f"{FILE} cannot be changed: {why}.", advice="Correct it, or check who may write it.", code="RSC-5965"
        ) from error
    keeping.put(file, tomlkit.dumps(said), is_for_all=endpoint is None)
    return file
