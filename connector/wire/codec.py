"""Text <-> message, with version and size checks; and the packed form in which rows travel.

Nothing here knows what a message means. A message that cannot be read is refused with one sentence.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

VERSION: Final = 1

#: The longest text that is decoded, in characters. A batch of 1,000 wide rows is below a tenth of it.
MAX_TEXT: Final = 64_000_000
#: The most bytes that packed rows may inflate to.
MAX_ROWS_BYTES: Final = 256_000_000


class WireError(Exception):
    """A message cannot be read: it is too large, malformed, of an unknown kind, or of a newer version."""


def _now() -> datetime:
    return datetime.now(UTC)


class Value(BaseModel):
    """A frozen part of a message; fields that this version does not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Value):
    """What every message carries. `kind` is set by each message class and names it on the wire."""

    KIND: ClassVar[str]

    v: int = VERSION
    kind: str = ""
    sent_at: datetime = Field(default_factory=_now)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Every message class states its kind."""
        if not getattr(cls, "KIND", ""):
            raise TypeError(f"{cls.__name__} has no KIND")


M = TypeVar("M", bound=Message)


def encode(message: Message) -> str:
    """The message as JSON text."""
    return message.model_copy(update={"kind": message.KIND}).model_dump_json()


def decode(text: str | bytes, kinds: Mapping[str, type[M]]) -> M:
    """The message that `text` holds, as one of the classes in `kinds`.

    Raises WireError.
    """
    if len(text) > MAX_TEXT:
        raise WireError(f"a message of {len(text):,} characters is over the ceiling of {MAX_TEXT:,}")
    try:
        raw = json.loads(text)
        version, kind = int(raw["v"]), str(raw["kind"])
    except (ValueError, TypeError, KeyError) as error:
        raise WireError("a message is not JSON with v and kind") from error
    if version > VERSION:
        raise WireError(f"a message of version {version} cannot be read by version {VERSION}: upgrade this side")
    if kind not in kinds:
        raise WireError(f"a message of version {version} has the kind {kind!r}, which version {VERSION} does not know")
    try:
        return kinds[kind].model_validate(raw)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors()[:3])
        raise WireError(f"a message {kind!r} is malformed: {fields}") from error


class Row(NamedTuple):
    """One row of a package: its number in the file or sheet, its cells, and its nested rows.

    Cells stand in the order of the layout's columns. `None` is a cell that is not there (null), `""` an empty one.
    `children[i]` are the rows that belong to this one by the layout's i-th child.
    """

    number: int
    cells: list[str | None]
    children: "Sequence[Sequence[Row]]" = ()


def pack_rows(rows: Sequence[Row]) -> bytes:
    """Rows as compressed JSON: what the ledger stores of a batch, and what travels."""
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode(), 1)


def unpack_rows(packed: bytes) -> list[Row]:
    """The rows again. Raises WireError."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(packed, MAX_ROWS_BYTES)
    except zlib.error as error:
        raise WireError("the rows of a batch cannot be unpacked") from error
    if inflater.unconsumed_tail:
        raise WireError(f"the rows of a batch inflate to over {MAX_ROWS_BYTES:,} bytes")
    return _rows(json.loads(raw))


def _rows(items: Any) -> list[Row]:
    return [Row(number, cells, [_rows(group) for group in children] if children else ()) for number, cells, children in items]


def to_text(packed: bytes) -> str:
    """Packed rows as they stand in a JSON message."""
    return base64.b64encode(packed).decode("ascii")


def from_text(text: str) -> bytes:
    """The packed rows of a JSON message."""
    return base64.b64decode(text)
