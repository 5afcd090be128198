"""The folders through which AX takes files and gives answers: AIF's file system adapter, and the Data Import/Export Framework.

No other room touches them. A file appears whole or not at all; whether one was handed over can be told after any crash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.errors import GiveUp
from workers.exchange.aif import FilePort, OnError, Reply
from workers.exchange.dixf import Framework, RowResult
from workers.exchange.folders import Folder

__all__ = ["Exchange", "FilePort", "Folder", "Framework", "OnError", "Reply", "RowResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The folders that a worker was given."""

    file_ports: Mapping[str, FilePort] = field(default_factory=dict)
    dixf: Framework | None = None

    def file_port(self, name: str) -> FilePort:
        """The file port of that name, or the only one. Raises GiveUp."""
        known = {port.lower(): found for port, found in self.file_ports.items()}
        if name.lower() in known:
            return known[name.lower()]
        if not name and len(known) == 1:
            return next(iter(known.values()))
        told = ", ".join(self.file_ports) or "none"
        raise GiveUp(
            f"This worker has no file port {name}." if name else "The mapping does not say which file port is meant.",
            advice=f"Name it in the worker's settings (aif_files; there are: {told}), and in the mapping as folder.",
            code="RSC-5971",
        )

    def framework(self) -> Framework:
        """The Data Import/Export Framework. Raises GiveUp."""
        if self.dixf is None:
            raise GiveUp(
                "This worker has no settings for the Data Import/Export Framework.",
                advice="Name its shared directory in the worker's settings (dixf).",
                code="RSC-5972",
            )
        return self.dixf
