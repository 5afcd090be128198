"""The token of this computer's user: a file in the dispatcher's home that its owner alone may read.

On one computer nobody has to sign in: who may read the file may read the ledger beside it as well. It is made when there is
none that is known, and stays over restarts.
"""

import getpass
import hashlib
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connector.access import secret
from connector.rights import Role

if TYPE_CHECKING:
    from connector.ledger import Ledger

#: Its name in RAPIDSTART_HOME.
FILE: Final = "token"


def read(home: Path) -> str:
    """The token that a dispatcher of this home has left; "" where there is none, or none for this user."""
    try:
        return (home / FILE).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def ensure(ledger: "Ledger", home: Path) -> None:
    """Leave a token in the home, where there is none that the ledger knows. A former one of this home is worth nothing then."""
    from connector.ledger import credentials

    key = _key(home)
    with ledger.write() as db:
        known = credentials.by_key(db, key)
        if known is not None and known.digest == secret.digest(read(home)):
            return
        credentials.remove(db, key)
        text = secret.new()
        made = credentials.Credential(
            key=key,
            kind=credentials.Kind.LOCAL,
            digest=secret.digest(text),
            name=user() or "local",
            role=Role.ADMINISTRATOR,
            made_at=time.time(),
            made_by="the dispatcher",
        )
        credentials.add(db, made)
    write_secretly(home / FILE, text + "\n")


def user() -> str:
    """Who runs this process, as this computer knows them; "" where it does not."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # a container's user without a name, by version of Python
        return ""


def write_secretly(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone from the first moment on."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def _key(home: Path) -> str:
    """One for each home of each computer. No name of a token has a colon."""
    place = f"{platform.node()}:{home.absolute()}"
    return f"local:{hashlib.sha256(place.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
