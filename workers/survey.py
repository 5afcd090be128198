"""What a worker finds out about its AOS when it is asked: can it be reached, and what does it let this account do."""

import ctypes
import os
import platform
from collections.abc import Sequence

from connector.wire.reports import Check
from workers import aos


def connection(door: aos.Door, addresses: Sequence[str], scope: aos.Scope) -> list[Check]:
    """One check per thing that must work, in the order in which they depend on each other; at last what this computer says."""
    return [*aos.check(door, addresses, scope), computer(is_administrator=_is_administrator())]


def computer(*, is_administrator: bool) -> Check:
    """What the worker's account may do on its own computer. Loads need no more than any account has."""
    if is_administrator:
        said = "is administrator of this computer: loads need no such right, an account of its own would do"
    else:
        said = "is no administrator of this computer, and need not be; who installs the worker as a service is"
    return Check(name="Computer", ok=True, detail=f"On {platform.node()} the worker's account {said}.")


def _is_administrator() -> bool:
    windows = getattr(ctypes, "windll", None)
    return bool(windows.shell32.IsUserAnAdmin()) if windows else os.geteuid() == 0
