"""The element of a field with parts: what it is to hold after an update, how that is written, and what is missing of it."""

from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax.saxutils import quoteattr

from connector.wire import metadata
from connector.wire.jobs import Merge
from workers import contract
from workers.documents import text
from workers.documents.compound import Compound
from workers.errors import Reject

#: AX composes it from the account and its dimensions when it reads; the schema demands the element, and takes it empty.
DISPLAY_VALUE: Final = "DisplayValue"
#: What the moment means on a clock of the time zone. It goes with the moment, and never survives a new one.
_LOCAL: Final = "localDateTime"

MISSING_ADVICE: Final = "Fill it in, or leave the whole of it empty."


def element(compound: Compound, given: Mapping[str, str]) -> str:
    """The field's element with these texts by part, each as it is written in the package; "" where there is none.

    Raises Reject where a text suits its part not, or a part is missing that the schema demands.
    """
    if not given:
        return ""
    if (part := missing(compound, given)) is not None:
        raise Reject(missing_words(compound, part), advice=MISSING_ADVICE, code="RSC-3122")
    return written(compound, given)


def written(compound: Compound, given: Mapping[str, str]) -> str:
    """The same, whatever may be missing of it."""
    name = compound.field.name
    facets = {part.name: part for part in compound.texts} | {cell.part: cell.field for cell in compound.cells}
    lexical = {part: text.escaped(_lexical(facets.get(part), value)) for part, value in given.items()}
    if compound.field.structure:
        return f"<{name}>{''.join(_inner(compound.field.structure, lexical))}</{name}>"
    inside = (part.name for part in compound.field.attributes if part.name in lexical)
    attributes = "".join(f' {part}="{_quoted(lexical[part])}"' for part in inside)
    return f"<{name}{attributes}>{lexical.get('', '')}</{name}>"


def _lexical(field: metadata.Field | None, value: str) -> str:
    return value if field is None else contract.lexical(field, value)


def _quoted(escaped: str) -> str:
    return escaped.replace('"', "&quot;")


def _inner(structure: metadata.Structure, lexical: Mapping[str, str]) -> Iterator[str]:
    texts = {part.name for part in structure.texts}
    for part in structure.parts:
        opening = f"{part.name} xmlns={quoteattr(structure.namespace)}"
        if part.name == structure.values:
            listed = "".join(
                f"<Value><Name>{text.escaped(name)}</Name><Value>{value}</Value></Value>"
                for name, value in lexical.items()
                if name not in texts
            )
            if listed:
                yield f"<{opening}>{listed}</{part.name}>"
        elif part.name in lexical or (part.name == DISPLAY_VALUE and part.mandatory):
            yield f"<{opening}>{lexical.get(part.name, '')}</{part.name}>"


def missing(compound: Compound, given: Mapping[str, str | None]) -> str | None:
    """A part that the schema demands where others are given, and that is not; an empty `DisplayValue` is never missing."""
    given = {part: value for part, value in given.items() if value}
    if not given:
        return None
    for part in compound.texts:
        if part.mandatory and part.name not in given and part.name != DISPLAY_VALUE:
            return part.name
    structure = compound.field.structure
    if structure is None or not structure.values or not given.keys() <= {part.name for part in structure.texts}:
        return None
    demanded = next(part.mandatory for part in structure.parts if part.name == structure.values)
    return structure.values if demanded else None


def missing_words(compound: Compound, part: str) -> str:
    """The sentence that says which part is missing."""
    if compound.field.structure is None:
        return f"{compound.field.name} has a time zone or local time, and no moment that it belongs to."
    if part == compound.field.structure.values:
        return f"{compound.field.name} has no dimension value, of which AX demands one."
    return f"{compound.field.name} has other parts and no {part}, which AX demands with them."


def signature(compound: Compound, given: Mapping[str, str]) -> str:
    """What a schema asks of the element beside its texts: which parts it has."""
    texts = [part.name for part in compound.texts]
    listed = min(sum(part not in texts for part in given), 2)
    return f"{compound.field.name}({','.join(part for part in texts if part in given)};{listed})"


def merged(compound: Compound, said: Mapping[str, str | None], old: Mapping[str, str | None], *, clears: bool) -> dict[str, str]:
    """What an updated record is to hold, by part: what the row says over what the record held (both by part).

    An empty text takes a part away where `clears`, and else says nothing. With `update = "replace"` named values that the
    row does not speak of are taken away, and optional parts with them.
    """
    speaks = {part: value for part, value in said.items() if value or (value == "" and clears)}
    stay = [part for part in sorted(old) if part not in speaks and _stays(compound, part, said, speaks=bool(speaks))]
    left = {part: value for part, value in speaks.items() if value}
    kept = {part: value for part in stay if (value := old[part])}
    # A time zone does not outlive the moment that it belongs to.
    return left if compound.field.structure is None and "" not in left | kept else left | kept


def _stays(compound: Compound, part: str, said: Mapping[str, str | None], *, speaks: bool) -> bool:
    """Whether a part of the record goes back as it was read."""
    if not speaks:
        return True
    if part in (DISPLAY_VALUE, _LOCAL):
        return False
    replaces = compound.structured.update is Merge.REPLACE and compound.field.structure is not None
    mandatory = any(text.name == part and text.mandatory for text in compound.texts)
    return not replaces or mandatory or part in said


def replaced(compound: Compound, said: Mapping[str, str | None], old: Mapping[str, str | None], *, clears: bool) -> bool:
    """Whether the record holds parts that go because the row does not speak of them."""
    if not any(value or (value == "" and clears) for value in said.values()):
        return False
    return any(
        value and part not in said and part not in (DISPLAY_VALUE, _LOCAL) and not _stays(compound, part, said, speaks=True)
        for part, value in old.items()
    )
