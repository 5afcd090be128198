"""What a service is, on every system: its name, its command, its account, and what can be done with it."""

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from workers.errors import GiveUp

#: Beyond the grace of its workers, a service that was told to stop has so long to end, in seconds.
BEYOND_GRACE_S: Final = 30


class State(StrEnum):
    """What a service is doing."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    MISSING = "not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """The service of one endpoint on this computer. Without an account it runs under the least that its system has."""

    endpoint: str
    instance: str
    home: Path
    grace_s: float
    account: str | None = None
    password: str | None = field(default=None, repr=False)
    aos: str | None = None
    """the AOS' own service on this computer, which starts first; "": the AOS is elsewhere; None: it is not known"""

    @property
    def title(self) -> str:
        """What people see."""
        return f"RapidStart Connector ({self.instance})"

    @property
    def folder(self) -> Path:
        """Where settings, keys, policy, reports and log of the endpoint lie."""
        return self.home / "endpoints" / self.endpoint.lower()

    @property
    def stop_s(self) -> int:
        """The longest that it may take to stop, in seconds."""
        return round(self.grace_s) + BEYOND_GRACE_S

    def command(self) -> list[str]:
        """What the service runs: this installation's own Python."""
        named = ["--endpoint", self.endpoint, "--instance", self.instance, "--home", str(self.home)]
        return [sys.executable, "-m", "workers", "service", "run", *named]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A service that this computer has: of this installation, of another one, or the connector of 2012 to 2015."""

    name: str
    state: State
    command: str
    is_ours: bool
    """it runs this very installation"""
    is_original: bool = False
    """it is Microsoft's own connector, which has nothing to talk to any more"""


class Stopped(GiveUp):
    """A service did not do what it was told in time."""

    code = "RSC-5960"


class System(Protocol):
    """The services of a computer. Every method raises GiveUp with what the system says, and what to do."""

    def name(self, instance: str) -> str:
        """What the service of an instance is called."""

    def install(self, service: Definition) -> None:
        """Make the service, or make the one that is there as it is defined now. It is not started."""

    def move(self, service: Definition) -> None:
        """Have the service that is there run this installation, under the account that it has. It must have ended."""

    def start(self, instance: str) -> None:
        """Return when it runs."""

    def stop(self, instance: str, *, within_s: float) -> None:
        """Return when it has ended, its workers' calls in hand finished."""

    def status(self, instance: str) -> State:
        """What it is doing."""

    def uninstall(self, instance: str) -> None:
        """Take the service away; it must have ended. Settings, keys and log stay."""

    def found(self) -> list[Found]:
        """The services of this project, and the original's, that this computer has."""

    def remove(self, found: Found) -> None:
        """Stop and take away a service of an earlier version."""
