"""Passwords of people: kept as Argon2id hashes, and checked a few at a time, because each check takes 64 MB on purpose."""

import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.errors import Refused

#: Shorter ones are guessed; nothing else is asked of them.
SHORTEST: Final = 12
LONGEST: Final = 200

_HASHER: Final = PasswordHasher()
_TURNS: Final = threading.BoundedSemaphore(2)

#: Checked against where there is nobody of that name, so that the answer takes as long. Nothing fits it.
_NOBODY: Final = _HASHER.hash("\0")


def hashed(password: str) -> str:
    """What is kept of a password. Raises Refused for one that is too short or too long."""
    text = _normal(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise Refused(f"a password has {SHORTEST} to {LONGEST} characters.", advice="Some words in a row do well.")
    with _TURNS:
        return _HASHER.hash(text)


def fits(password: str, kept: str | None) -> bool:
    """Whether this is the password that was kept; never, and as slowly, where none was."""
    text = _normal(password)
    if len(text) > LONGEST:
        return False
    with _TURNS:
        try:
            return _HASHER.verify(kept or _NOBODY, text) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    """The same characters, however a keyboard puts them together."""
    return unicodedata.normalize("NFC", password)
