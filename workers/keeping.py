"""Keeps a secret of this computer in a file that others cannot use.

On Windows the system encrypts it for this computer (DPAPI, machine scope): a service account and an administrator's session
read the same file, a copy of it elsewhere is worth nothing; who may read it there at all, the folder's rights say
(`workers.service.rights`). Elsewhere it is for its owner alone (0600).
"""

import base64
import contextlib
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from connector.wire import keys
from workers.errors import GiveUp

#: In the folder of an endpoint: the broker's URL with this computer's own login.
LOGIN_FILE: Final = "broker.login"
_PREFIX: Final = "dpapi-machine "


def keep(path: Path, text: str) -> None:
    """Write a secret, sealed where the system can, as `put` does. Raises GiveUp."""
    put(path, _sealed(text))


def put(path: Path, text: str, *, is_for_all: bool = False) -> None:
    """Write a file; it is there whole or not at all, and for its owner alone from the first moment on. Raises GiveUp.

    `is_for_all`: every account of this computer may read it.
    """
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    modes = (0o755, 0o644) if is_for_all else (0o700, 0o600)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=modes[0])
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, modes[1]), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise GiveUp(f"the file {path.name} cannot be written: {error.strerror}.", advice=_RIGHTS, code="RSC-5983") from error


def narrow(folder: Path) -> None:
    """Have the folder of an endpoint be this account's alone, and what it holds already. Another account's stays as it is.

    On Windows whoever installs the service says so (`workers.service.rights`).
    """
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # it is another account's: what that one keeps from us is told where it is needed
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            if not each.is_symlink() and each.stat().st_uid == os.geteuid():
                each.chmod(0o700 if each.is_dir() else 0o600)


def login(folder: Path) -> str | None:
    """The broker's URL as this computer was given it for the endpoint of this folder; None: it was not. Raises GiveUp."""
    return read(folder / LOGIN_FILE)


def read(path: Path) -> str | None:
    """The secret of a file; None where there is no such file. Raises GiveUp where it cannot be read here."""
    try:
        text = path.read_text(encoding="utf-8")
        return _opened(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise GiveUp(f"the file {path.name} cannot be read: {_why(error)}.", advice=_RIGHTS, code="RSC-5983") from error


def ring(path: Path) -> tuple[keys.Private, ...]:
    """The ring of a machine's key file, the newest key last. Raises KeyUnreadable, also where there is no such file."""
    try:
        return keys.of_text(_opened(path.read_text(encoding="utf-8")), name=path.name)
    except (OSError, ValueError) as error:
        raise keys.KeyUnreadable(f"the key file {path.name} cannot be read: {_why(error)}.") from None


def keep_ring(path: Path, ring: Sequence[keys.Private]) -> None:
    """Write the ring of a machine's key file. Raises GiveUp."""
    keep(path, keys.text(ring))


def ring_or_new(path: Path) -> tuple[keys.Private, ...]:
    """The ring of a machine's key file; a new key where there is no such file. Raises KeyUnreadable, GiveUp."""
    if not path.exists():
        keep_ring(path, (keys.generate(),))
    return ring(path)


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or "it is not as this computer has written it"


_RIGHTS: Final = "Run as the account that registered this computer, or register again: rapidstart-worker register."


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _MACHINE: Final = 0x4  # CRYPTPROTECT_LOCAL_MACHINE
    _SILENT: Final = 0x1  # CRYPTPROTECT_UI_FORBIDDEN

    class _Blob(ctypes.Structure):
        _fields_ = (("size", wintypes.DWORD), ("data", ctypes.POINTER(ctypes.c_char)))

    def _sealed(text: str) -> str:
        raw = _called(ctypes.windll.crypt32.CryptProtectData, text.encode("utf-8"), _MACHINE | _SILENT)
        return _PREFIX + base64.b64encode(raw).decode("ascii")

    def _opened(text: str) -> str:
        if not text.startswith(_PREFIX):
            raise ValueError("not sealed")
        raw = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        return _called(ctypes.windll.crypt32.CryptUnprotectData, raw, _SILENT).decode("utf-8")

    def _called(function: "ctypes._NamedFuncPointer", raw: bytes, flags: int) -> bytes:
        """What one of the two functions makes of these bytes. Raises OSError."""
        buffer = ctypes.create_string_buffer(raw, len(raw))
        given, made = _Blob(len(raw), ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char))), _Blob()
        if not function(ctypes.byref(given), None, None, None, None, flags, ctypes.byref(made)):
            raise ctypes.WinError()
        try:
            return ctypes.string_at(made.data, made.size)
        finally:
            ctypes.windll.kernel32.LocalFree(made.data)

else:

    def _sealed(text: str) -> str:
        return text

    def _opened(text: str) -> str:
        return text
