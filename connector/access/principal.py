"""Who asks, once that is proved, and what they may see. Pure."""

from dataclasses import dataclass
from typing import Final

from connector.rights import Role

#: The service instance of an endpoint that was given none.
DEFAULT_INSTANCE: Final = "Default"

_ORDER: Final = (Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or a program that has proved who it is. `service_instances` None: it may see all of them."""

    name: str
    role: Role
    service_instances: tuple[str, ...] | None = None
    key: str
    """the handle of the credential that proved it"""
    address: str = ""
    """where they ask from"""
    by_cookie: bool = False
    """a browser sent it by itself, so the page that asked must be one of ours"""

    @property
    def by(self) -> str:
        """Who asks, for audit and log: `anna@10.0.0.5`."""
        return f"{self.name}@{self.address}" if self.address else self.name

    def may(self, needed: Role) -> bool:
        """Whether the role allows what needs another one: an administrator may all, a viewer may look."""
        return _ORDER.index(self.role) >= _ORDER.index(needed)

    def sees(self, instance: str) -> bool:
        """Whether endpoints of a service instance are among those that it may see."""
        wanted = instance.casefold()
        return self.service_instances is None or any(each.casefold() == wanted for each in self.service_instances)

    def covers(self, instances: tuple[str, ...] | None) -> bool:
        """Whether it may hand on the right to these service instances."""
        if instances is None:
            return self.service_instances is None
        return all(self.sees(each) for each in instances)
