"""Changes settings in `worker.toml`, as a person writes them: what is wrong is refused before anything is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from workers import instances
from workers.errors import GiveUp
from workers.settings import DixfSettings, Settings

#: What a page, a shell's history and a file that others may read must not hold.
_SECRET: Final = frozenset({"aos_password", "broker_url"})
_DIXF: Final = "dixf."


def save(home: Path, endpoint: str | None, said: Mapping[str, str]) -> Path:
    """Write settings by name; `dixf.NAME` those of the Data Import/Export Framework, an empty value takes one away.

    The file that was written. Raises GiveUp.
    """
    wrong = next((name for name in said if not _is_setting(name)), None)
    if wrong is not None:
        advice = "Secrets go into files: RAPIDSTART_AOS_PASSWORD_FILE." if wrong in _SECRET else "See the operator's book."
        raise GiveUp(f"{wrong!r} is no setting that can be written here.", advice=advice, code="RSC-5970")
    values: dict[str, Any] = {name: value or None for name, value in said.items() if not name.startswith(_DIXF)}
    changed = {
        name.removeprefix(_DIXF): value.replace("\\r", "\r").replace("\\n", "\n") if "delimiter" in name else value
        for name, value in said.items()
        if name.startswith(_DIXF)
    }
    try:
        current = Settings(**_where(home, endpoint))
        if changed:
            values["dixf"] = _dixf(current, changed)
        told = Settings(**_where(home, endpoint), **{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise GiveUp(f"{name} is wrong: {first['msg']}.", advice="Nothing was written.", code="RSC-5970") from None
    typed = told.model_dump(mode="json", include=set(values), exclude_none=True, exclude_unset=True)
    return instances.write(home, endpoint, {name: typed.get(name) if values[name] is not None else None for name in values})


def shown(home: Path, endpoint: str | None) -> dict[str, str]:
    """Every setting that can be written here, as it holds now. Raises GiveUp."""
    try:
        told = Settings(**_where(home, endpoint)).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        raise GiveUp(f"a setting is wrong: {error.errors()[0]['msg']}.", advice="Correct worker.toml.", code="RSC-5970") from None
    dixf = told.get("dixf") or {}
    found = {name: _text(told.get(name, "")) for name in Settings.model_fields if _is_setting(name)}
    return found | {f"{_DIXF}{name}": _text(dixf.get(name, _default(name))) for name in DixfSettings.model_fields}


def _where(home: Path, endpoint: str | None) -> dict[str, Any]:
    return {"home": home, **({"endpoint": endpoint} if endpoint else {})}


def _dixf(current: Settings, changed: Mapping[str, str]) -> dict[str, Any] | None:
    """The framework's settings with what changed; None where the directory, without which it is nothing, is taken away."""
    before = current.dixf.model_dump(mode="json", exclude_unset=True) if current.dixf else {}
    after = {name: value for name, value in {**before, **changed}.items() if value != ""}
    if "directory" not in after:
        return None
    return DixfSettings.model_validate(after).model_dump(mode="json", exclude_unset=True, exclude_none=True)


def _is_setting(name: str) -> bool:
    if name.startswith(_DIXF):
        return name.removeprefix(_DIXF) in DixfSettings.model_fields
    return name in Settings.model_fields and name not in _SECRET | {"home", "dixf", "aif_files"}


def _default(name: str) -> Any:
    field = DixfSettings.model_fields[name]
    return "" if field.is_required() else field.default


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).replace("\r", "\\r").replace("\n", "\\n")
