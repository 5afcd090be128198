"""Whose the folder of an endpoint is on Linux: its account's alone. Services of two accounts read nothing of each other.

Root hands it over. What stands in it was written by an account that root need not trust: no link is followed.
"""

import os
import stat
import sys
from pathlib import Path

from workers.errors import GiveUp


def hand_over(folder: Path, *, account: str) -> None:
    """Give the folder with all that it holds to an account, 0700 and 0600. Nothing is done by others than root.

    Raises GiveUp where there is no such account.
    """
    if sys.platform == "win32" or os.geteuid() != 0 or not folder.is_dir():
        return
    import pwd

    try:
        found = pwd.getpwnam(account)
    except KeyError:
        advice = f"Make it (useradd --system {account}), or name another one: --account NAME."
        raise GiveUp(f"this computer has no account {account}.", advice=advice, code="RSC-5961") from None
    owner = (found.pw_uid, found.pw_gid)
    for _, _, names, at in os.fwalk(folder, follow_symlinks=False):
        os.fchown(at, *owner)
        os.fchmod(at, 0o700)
        for name in names:
            _give(name, at, owner)


def _give(name: str, at: int, owner: tuple[int, int]) -> None:
    """Give a file in the folder with this descriptor; a link, or a file that has another name too, is left as it is."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    except OSError:  # a link, or gone meanwhile
        return
    try:
        found = os.fstat(file)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            os.fchown(file, *owner)
            os.fchmod(file, 0o600)
    finally:
        os.close(file)
