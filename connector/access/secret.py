"""Makes secrets, and the digests by which they are known. Pure, but for chance."""

import hashlib
import secrets
from typing import Final

_BYTES: Final = 32  # 256 bits

#: What a token begins with, so that people, and programs that look for leaked secrets, can tell what it is.
PREFIX: Final = "rsc_"


def new() -> str:
    """A new secret of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """By what the ledger knows a secret. SHA-256 is enough: 256 random bits cannot be guessed, however fast one tries."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def handle() -> str:
    """A new name for what people never name: a session, a link."""
    return secrets.token_hex(8)
