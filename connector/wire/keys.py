"""Key pairs of machines and dispatchers, the text of a public key, and the file that private keys lie in.

One seed of 32 bytes stands for two pairs: one signs (Ed25519), one opens (X25519). A file holds a ring of seeds, the newest
last: what was sealed for an older key can still be opened. A private key is never shown, logged or sent.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nacl import public, signing
from nacl.encoding import RawEncoder
from nacl.hash import blake2b

_SEED_BYTES: Final = 32
_PUBLIC_BYTES: Final = 64
_PREFIX: Final = "rapidstart-key-1 "


class KeyUnreadable(Exception):
    """A key, or a file of keys, cannot be read or written: one sentence, which never repeats what it holds."""


@dataclass(frozen=True, slots=True)
class Public:
    """What others may know of a key: 32 bytes that its signatures are checked by, 32 that are sealed for."""

    raw: bytes
    verifies: signing.VerifyKey = field(init=False, repr=False, compare=False)
    seals: public.PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.raw) != _PUBLIC_BYTES:
            raise KeyUnreadable(f"a public key has {_PUBLIC_BYTES} bytes, not {len(self.raw)}.")
        object.__setattr__(self, "verifies", signing.VerifyKey(self.raw[:32]))
        object.__setattr__(self, "seals", public.PublicKey(self.raw[32:]))

    @classmethod
    def of_text(cls, text: str) -> "Public":
        """The key that `text` names. Raises KeyUnreadable."""
        try:
            return cls(base64.b64decode(text.strip().encode("ascii"), validate=True))
        except (binascii.Error, UnicodeEncodeError):
            raise KeyUnreadable("a public key is not base64.") from None

    @property
    def text(self) -> str:
        """As it is sent and stored: 88 characters of base64."""
        return base64.b64encode(self.raw).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """What people compare on two screens: the first 16 hexadecimal digits of its SHA-256, as 9f2a-01bc-77de-4410."""
        digits = hashlib.sha256(self.raw).hexdigest()
        return "-".join(digits[at : at + 4] for at in range(0, 16, 4))


@dataclass(frozen=True, slots=True)
class Private:
    """A key of one's own. Its representation says nothing of the seed."""

    seed: bytes = field(repr=False)
    signs: signing.SigningKey = field(init=False, repr=False, compare=False)
    opens: public.PrivateKey = field(init=False, repr=False, compare=False)
    public: Public = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != _SEED_BYTES:
            raise KeyUnreadable("a private key has the wrong length.")
        signs = signing.SigningKey(_derived(self.seed, b"signs"))
        opens = public.PrivateKey(_derived(self.seed, b"opens"))
        object.__setattr__(self, "signs", signs)
        object.__setattr__(self, "opens", opens)
        object.__setattr__(self, "public", Public(bytes(signs.verify_key) + bytes(opens.public_key)))


def generate() -> Private:
    """A new key."""
    return Private(secrets.token_bytes(_SEED_BYTES))


def text(ring: Sequence[Private]) -> str:
    """A ring as a key file holds it, the newest last: it is secret."""
    return "".join(f"{_PREFIX}{base64.b64encode(each.seed).decode('ascii')}\n" for each in ring)


def of_text(text: str, *, name: str) -> tuple[Private, ...]:
    """The ring in the text of a key file of this name, the newest last. Raises KeyUnreadable, which repeats nothing of it."""
    ring = tuple(_of_line(name, line) for line in text.splitlines() if line.strip())
    if not ring:
        raise KeyUnreadable(f"the key file {name} is empty.")
    return ring


def load(path: Path) -> tuple[Private, ...]:
    """The ring of a key file, the newest last. Raises KeyUnreadable, which names neither folder nor content."""
    try:
        return of_text(path.read_text(encoding="ascii"), name=path.name)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise KeyUnreadable(f"the key file {path.name} cannot be read: {reason}.") from None


def save(path: Path, ring: Sequence[Private]) -> None:
    """Write a ring, the newest last; the file is for its owner alone, and is there whole or not at all.

    Raises KeyUnreadable.
    """
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text(ring))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise KeyUnreadable(f"the key file {path.name} cannot be written: {error.strerror}.") from None


def load_or_create(path: Path) -> tuple[Private, ...]:
    """The ring of a key file; a new key where there is no such file. Raises KeyUnreadable."""
    if not path.exists():
        save(path, (generate(),))
    return load(path)


def rotate(path: Path) -> Public:
    """Add a new key to the ring of a file; the older ones still open what was sealed for them. Raises KeyUnreadable."""
    new = generate()
    save(path, (*load(path), new))
    return new.public


def _of_line(name: str, line: str) -> Private:
    try:
        if not line.startswith(_PREFIX):
            raise KeyUnreadable("")
        return Private(base64.b64decode(line.removeprefix(_PREFIX).strip(), validate=True))
    except (ValueError, KeyUnreadable):
        raise KeyUnreadable(f"the key file {name} holds what is no key of this program's.") from None


def _derived(seed: bytes, purpose: bytes) -> bytes:
    """A seed for one purpose alone (BLAKE2b keyed by the seed): to know one tells nothing of the other."""
    derived: bytes = blake2b(b"rapidstart." + purpose, key=seed, digest_size=_SEED_BYTES, encoder=RawEncoder)
    return derived
