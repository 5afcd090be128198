"""The codes of a registration: a long one that the machine keeps to itself, a short one that people read and type."""

import hashlib
import secrets
from typing import Final

#: No vowels, so that no words come up, and nothing that looks like a digit (RFC 8628, 6.1): 20 ** 8 codes.
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_HALF: Final = 4


def new_user_code() -> str:
    """A short code, as BKTR-WDZM."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(2 * _HALF))
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def digest(user_code: str) -> str:
    """By what the ledger knows a short code, however it was typed: in any case, with or without what stands between."""
    letters = "".join(letter for letter in user_code.upper() if letter in _LETTERS)
    return hashlib.sha256(letters.encode("ascii")).hexdigest()
