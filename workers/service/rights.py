"""Who may do what in this product's folders on Windows: the commands of `icacls` that say so. Pure.

Every account reaches the folder of its own endpoint, where key, login, policy and reports lie, and no other one's: two services
of one computer cannot read each other's. Of the folder above it reads what stands there for the whole computer.
"""

import hashlib
import struct
from pathlib import PurePath
from typing import Final

#: Administrators and the system itself, by numbers that no language changes.
_OWNERS: Final = ("*S-1-5-32-544:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F")


def sid_of_service(name: str) -> str:
    """The number of the account that Windows itself has for each service, NT SERVICE\\NAME, before there is such a service.

    S-1-5-80 and the SHA-1 of the name in capitals, in UTF-16, as five numbers: what `sc showsid` tells.
    """
    digest = hashlib.sha1(name.upper().encode("utf-16-le"), usedforsecurity=False).digest()
    return "-".join(("S-1-5-80", *map(str, struct.unpack("<5I", digest))))


def commands(folder: PurePath, *, sid: str) -> list[list[str]]:
    """What lets an account into the folder of its endpoint: the arguments of `icacls`, one call after the other.

    `folder` lies in `endpoints` of RAPIDSTART_HOME, and is there; `sid` is the account. What the endpoint's folder said before,
    of another account or of an earlier version, is forgotten.
    """
    home, who = folder.parent.parent, f"*{sid}"
    return [
        # This folder and the files in it, as worker.toml, also one that is written anew; nothing in the folders below.
        [str(home), "/inheritance:r", "/grant:r", *_OWNERS, f"{who}:(OI)(NP)RX", "/Q"],
        [str(folder.parent), "/grant:r", f"{who}:RX", "/Q"],
        [str(folder), "/reset", "/T", "/C", "/Q"],
        [str(folder), "/grant:r", f"{who}:(OI)(CI)M", "/Q"],
    ]
