"""Sealed messages: what the broker carries, nobody but its addressee reads, and nobody but its sender can have written.

Pure. A sealed message is a message of its own kind: a head that all may read (Flower shows no more than it), a body under a
data key that is used once, the data key sealed for each key that may open it, and the sender's signature over head and body.
The head is the body's associated data: a body never opens under another head. Whether a message comes again is not known
here: `Head` carries what its addressee needs to find out.
"""

import base64
import binascii
import functools
import itertools
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_KEYBYTES as KEY_BYTES
from nacl.exceptions import CryptoError
from nacl.public import SealedBox
from nacl.secret import Aead
from pydantic import ValidationError

from connector.wire import codec
from connector.wire.codec import M
from connector.wire.keys import KeyUnreadable, Private, Public
from connector.wire.reports import BatchRef

#: What a signature covers begins with this: it is good for nothing else.
_SEALED, _SUCCESSOR = b"rapidstart sealed 1\0", b"rapidstart successor 1\0"
#: More changes of a dispatcher's key than this are not followed at once.
_MOST_SUCCESSORS: Final = 16


class Way(StrEnum):
    """Where a message goes: each is refused on the other two ways."""

    ORDER = "order"
    """from the dispatcher, on the endpoint's queue"""
    REPORT = "report"
    """from a machine, on the endpoint's report stream"""
    ANSWER = "answer"
    """from the dispatcher, to one question of a worker"""


class Why(StrEnum):
    """Why a message was refused."""

    PLAIN = "plain"
    """not sealed, where only sealed messages are taken"""
    FORGED = "forged"
    """signed by nobody who is known here"""
    ALTERED = "altered"
    """signature, head and body do not belong together"""
    MISDIRECTED = "misdirected"
    """written for another endpoint, task, question or way"""
    REPEATED = "repeated"
    """it came before, or others that were written later did"""
    NOT_FOR_US = "sealed for others"
    """none of the keys here opens it"""


class Unsealable(codec.WireError):
    """A message was refused: one sentence, and the word by which it is counted."""

    def __init__(self, why: Why, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


class Successor(codec.Value):
    """A key that another one vouches for: the dispatcher's next one, signed by the one before."""

    key: str
    by: str
    """fingerprint of the key that vouches"""
    signature: str


class Head(codec.Value):
    """What all may read of a sealed message. It is signed as it stands."""

    way: Way
    endpoint: str
    kind: str
    """of the message inside"""
    ref: BatchRef | None = None
    question: str = ""
    """event id of the question that an answer answers"""
    session: str = ""
    """the run of a process that a report is of; random"""
    no: int = 0
    """of a report: it grows from report to report of a session"""
    by: str
    """fingerprint of the sender's key"""
    sent_at: datetime
    keys: dict[str, str]
    """the data key, sealed for each key that may open the message, by fingerprint"""
    successors: tuple[Successor, ...] = ()


class Sealed(codec.Message):
    """A sealed message on the wire."""

    KIND = "sealed"

    head: str
    """JSON of a `Head`, as it was signed"""
    body: str
    """base64 of nonce and ciphertext of the message's compressed JSON"""
    signature: str
    """base64 of the sender's Ed25519 signature"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the sender says of a message, beside what the message says of itself."""

    way: Way
    endpoint: str
    ref: BatchRef | None = None
    question: str = ""
    session: str = ""
    no: int = 0


def seal(message: codec.Message, stamp: Stamp, *, sender: Sequence[Private], readers: Iterable[Public]) -> str:
    """The text of a sealed message, signed by the newest key of the sender's ring; `readers` may open it.

    Where the ring has older keys, the text says how the newest follows from them.
    """
    key = secrets.token_bytes(KEY_BYTES)
    head = Head(
        way=stamp.way,
        endpoint=stamp.endpoint.lower(),
        kind=message.KIND,
        ref=stamp.ref,
        question=stamp.question,
        session=stamp.session,
        no=stamp.no,
        by=sender[-1].public.fingerprint,
        sent_at=datetime.now(UTC),
        keys={reader.fingerprint: _text(SealedBox(reader.seals).encrypt(key)) for reader in readers},
        successors=_successors(tuple(sender)),
    ).model_dump_json()
    body = bytes(Aead(key).encrypt(_packed(message), head.encode()))
    signature = sender[-1].signs.sign(_signed(head, body)).signature
    return codec.encode(Sealed(head=head, body=_text(body), signature=_text(signature)))


def unseal(
    sealed: Sealed,
    *,
    way: Way,
    endpoint: str,
    trusted: Mapping[str, Public],
    ring: Sequence[Private],
    kinds: Mapping[str, type[M]],
) -> tuple[Head, M]:
    """Head and message, where one of `trusted` (by fingerprint) wrote it for this way and endpoint, and `ring` opens it.

    Raises Unsealable, and WireError for what was sealed well and cannot be read.
    """
    head, body = _checked(sealed, trusted)
    if head.way is not way or head.endpoint != endpoint.lower():
        raise Unsealable(Why.MISDIRECTED, f"a message was written as {head.way} of {head.endpoint}, and came elsewhere")
    raw = _opened(head, sealed.head.encode(), body, ring)
    message = codec.decode(_inflated(raw), kinds)
    if head.kind != message.KIND:
        raise Unsealable(Why.ALTERED, "a message holds another one than its head says")
    return head, message


def head_of(text: str | bytes) -> Head | None:
    """What a sealed message says of itself, unproved; None where it is none."""
    try:
        return _head(codec.decode(text, {Sealed.KIND: Sealed}))
    except codec.WireError:
        return None


def followed(sealed: Sealed, known: Sequence[Public]) -> tuple[Public, ...]:
    """The keys that follow from `known` by what a message says, the newest last; () where there are none.

    Each is vouched for by a known one, or by one that follows: the message itself need not be trusted. Raises Unsealable.
    """
    found = {each.fingerprint: each for each in known}
    new: list[Public] = []
    for successor in _head(sealed).successors[:_MOST_SUCCESSORS]:
        key = _follows(successor, found)
        if key is not None and key.fingerprint not in found:
            found[key.fingerprint] = key
            new.append(key)
    return tuple(new)


@functools.lru_cache(maxsize=8)
def _successors(ring: tuple[Private, ...]) -> tuple[Successor, ...]:
    """How each key of a ring follows from the one before it, the newest last."""
    return tuple(_vouched(new, old) for old, new in itertools.pairwise(ring))[-_MOST_SUCCESSORS:]


def _checked(sealed: Sealed, trusted: Mapping[str, Public]) -> tuple[Head, bytes]:
    """Head and encrypted body, once it is proved who wrote them."""
    head, body, signature = _head(sealed), _bytes(sealed.body), _bytes(sealed.signature)
    sender = trusted.get(head.by)
    if sender is None:
        raise Unsealable(Why.FORGED, f"a message is signed by the key {head.by[:40]}, which is not known here")
    try:
        sender.verifies.verify(_signed(sealed.head, body), signature)
    except (CryptoError, ValueError) as error:  # ValueError: it is no signature at all
        raise Unsealable(Why.ALTERED, "the signature of a message does not fit it") from error
    return head, body


def _head(sealed: Sealed) -> Head:
    try:
        return Head.model_validate_json(sealed.head)
    except ValidationError as error:
        raise Unsealable(Why.ALTERED, "the head of a sealed message is malformed") from error


def _opened(head: Head, associated: bytes, body: bytes, ring: Sequence[Private]) -> bytes:
    for mine in reversed(ring):
        text = head.keys.get(mine.public.fingerprint)
        if text is None:
            continue
        try:
            return bytes(Aead(SealedBox(mine.opens).decrypt(_bytes(text))).decrypt(body, associated))
        except (CryptoError, ValueError) as error:
            raise Unsealable(Why.ALTERED, "a message does not open with the key that it was sealed for") from error
    raise Unsealable(Why.NOT_FOR_US, f"a message was sealed for other keys ({', '.join(sorted(head.keys)) or 'none'})")


def _packed(message: codec.Message) -> bytes:
    """A message's JSON, compressed. In that of a batch nothing repeats: its rows are packed already, and only spelt in base64."""
    strategy = zlib.Z_HUFFMAN_ONLY if "rows" in type(message).model_fields else zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(1, strategy=strategy)
    return packer.compress(codec.encode(message).encode()) + packer.flush()


def _inflated(raw: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(raw, codec.MAX_TEXT)
    except zlib.error as error:
        raise codec.WireError("a sealed message cannot be unpacked") from error
    if inflater.unconsumed_tail:
        raise codec.WireError(f"a sealed message inflates to over {codec.MAX_TEXT:,} characters")
    return text


def _vouched(new: Private, old: Private) -> Successor:
    signature = old.signs.sign(_SUCCESSOR + new.public.raw).signature
    return Successor(key=new.public.text, by=old.public.fingerprint, signature=_text(signature))


def _follows(successor: Successor, known: Mapping[str, Public]) -> Public | None:
    voucher = known.get(successor.by)
    try:
        key = Public.of_text(successor.key)
        if voucher is None:
            return None
        voucher.verifies.verify(_SUCCESSOR + key.raw, _bytes(successor.signature))
    except (KeyUnreadable, Unsealable, CryptoError, ValueError):
        return None
    return key


def _signed(head: str, body: bytes) -> bytes:
    """What the signature covers: the head's length keeps the border between head and body where it was."""
    text = head.encode()
    return _SEALED + len(text).to_bytes(8, "big") + text + body


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Unsealable(Why.ALTERED, "a part of a sealed message is not base64") from error
