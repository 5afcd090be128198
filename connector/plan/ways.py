"""The way that a step's rows take to AX: calls to its services, or files that it reads."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from connector.errors import Place, PlanRefused
from connector.intake.values import Action
from connector.plan.keys import Key
from connector.plan.mapping import TableMapping
from connector.plan.matching import Record
from connector.wire.jobs import Mode
from connector.wire.metadata import Document, Field, FieldType, Service, Table

#: What a step through the Data Import/Export Framework shows as its port.
DIXF = "DIXF"
#: What a column of such a format holds: known before anything is written.
_HELD: Final = {"decimal": FieldType.DECIMAL, "date": FieldType.DATE, "datetime": FieldType.DATETIME}
_OF_CALLS: Final = ("call", "idempotent", "outcome")
_OF_RECORDS: Final = ("type", "effective", "document")
_NOT_OF_CALLS: Final = ("key", "unit", "delete", "folder", "formats", *_OF_RECORDS)
_NOT_IN_TEXTS: Final = ("parent", "structure", "constants", "unit", "folder", "delete", *_OF_CALLS, *_OF_RECORDS)
_INSTEAD: Final = {
    "folder": 'Remove it, or write via = "files" too.',
    "formats": 'Remove it, or write via = "dixf" too.',
    "constants": "Add a column to the file, or have the target's own mapping fill the field.",
}


def flat_record(action: Action, said: TableMapping) -> Record:
    """The target of a text file: AX offers no contract for it, so its columns are the package's own, under their mapped names.

    Raises PlanRefused where a format is given to a column that is not there.
    """
    table = Table(
        name=said.target or action.entity,
        fields=tuple(
            Field(name=field, type=_HELD.get(said.formats.get(field, ""), FieldType.STRING))
            for column in action.columns
            if (field := said.fields.get(column, column))
        ),
    )
    for name in said.formats:
        if table.field(name) is None:
            raise PlanRefused(
                f"the mapping gives {name!r} a format, which is no column of the file.",
                advice=f"Columns are {', '.join(field.name for field in table.fields)}.",
                place=Place(file=action.file, sheet=action.sheet),
            )
    _check_words(said, action, "goes into a text file of the Data Import/Export Framework", _NOT_IN_TEXTS)
    document = Document(name=table.name, namespace="", tables=(table,))
    service = Service(address="", port=DIXF, name=table.name, namespace="", operations=(), document=document)
    return Record(service=service, document=document, table=table)


def check(said: TableMapping, around: TableMapping | None, action: Action) -> None:
    """Refuse words that mean nothing for records, and another way than that of the records `around` them. Raises PlanRefused.

    A word without effect is a mistake about where the rows go: better told before they are there.
    """
    if around is not None and "via" in said.model_fields_set and said.via != around.via:
        raise PlanRefused(
            f'{action.entity!r} says via = "{said.via}", but its rows travel in those of another entity, via = "{around.via}".',
            advice="Say it for that entity alone.",
            place=Place(file=action.file, sheet=action.sheet),
        )
    if said.via == "dixf":
        return  # looked at when its target was made
    if around is None and said.via == "files":
        _check_words(said, action, "goes in message files", ("formats", *_OF_CALLS))
    else:
        _check_words(said, action, "becomes records of a document", ("folder", "formats", *_OF_CALLS))


def _check_words(said: TableMapping, action: Action, does: str, without: Sequence[str]) -> None:
    """Refuse those words among `without` that are said of an entity which `does` something else. Raises PlanRefused."""
    meant = [word for word in without if getattr(said, word) not in ("", None, (), {}, False)]
    if meant:
        raise PlanRefused(
            f"{action.entity!r} {does}: `{meant[0]}` means nothing there.",
            advice=_INSTEAD.get(meant[0], "Remove it from the mapping."),
            place=Place(file=action.file, sheet=action.sheet),
        )


def mode(said: TableMapping, possible: Mode, key: Key, action: Action) -> tuple[Mode, Key]:
    """The mode in which rows can go this way: through files nothing is looked up, so they only create.

    Raises PlanRefused for modes that change what is there.
    """
    if said.via == "service" or possible is Mode.CREATE:
        return possible, key
    if possible is Mode.UPSERT:
        return Mode.CREATE, replace(key, reason=f"{key.reason}; rows in files are only created: AX is not asked what is there")
    raise PlanRefused(
        f"{action.entity!r} cannot run in mode {possible.value}: rows in files are only created.",
        advice='Load it in mode create, or by the service: via = "service" in the mapping.',
        place=Place(file=action.file, sheet=action.sheet),
    )


def calling(said: TableMapping, mode: Mode, action: Action) -> Mode:
    """The mode in which an entity runs whose rows are calls: it says nothing to them. Raises PlanRefused.

    Whoever asks for records to be deleted does not mean to post journals.
    """
    if said.via != "service":
        raise PlanRefused(
            f"{action.entity!r} calls an operation, which rows in files cannot.",
            advice=f'Remove via = "{said.via}" from the mapping.',
            place=Place(file=action.file, sheet=action.sheet),
        )
    _check_words(
        said, action, "calls an operation, once for each row", ("key", "unit", "delete", "folder", *_OF_RECORDS, "formats")
    )
    if mode is Mode.DELETE:
        raise PlanRefused(
            f"{action.entity!r} calls an operation, which mode delete does not mean.",
            advice="Take it out of the package, or load in another mode.",
            place=Place(file=action.file, sheet=action.sheet),
        )
    return mode


def told(said: TableMapping) -> str:
    """What to add to the reason for a target: nothing where rows go by calls."""
    if said.via == "files":
        return f"; its rows go in files for AIF's file port {said.folder}".rstrip()
    return "; its rows go in text files for the Data Import/Export Framework" if said.via == "dixf" else ""


def task(said: TableMapping, mode: Mode) -> tuple[str, dict[str, object]]:
    """The task that carries a step of tables out, and what its messages say besides target and layout."""
    if said.via == "dixf":
        return "load.flatfile", {"formats": dict(said.formats)}
    if said.via == "files":
        return "load.files", {"mode": mode.value, "folder": said.folder}
    return "load.tables", {"mode": mode.value}
