"""The worker as a service of this computer: of Windows, or of systemd. What it does when it runs is in `workers.crew`."""

import sys

from workers.service.definition import BEYOND_GRACE_S, Definition, Found, State, Stopped, System

__all__ = ["BEYOND_GRACE_S", "Definition", "Found", "State", "Stopped", "System", "here"]


def here() -> System:
    """The services of this computer. Raises GiveUp where it has none that are known here."""
    if sys.platform == "win32":
        from workers.service.windows import WindowsServices

        return WindowsServices()
    from workers.service.systemd import Systemd

    return Systemd()
