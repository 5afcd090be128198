"""Microsoft's own NegotiateStream as the guard of a port: .NET Core's runtime out of a wheel, our acceptor compiled by Mono."""

import importlib.util
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("peers") / "Acceptor.cs"
_LIBRARIES = (
    "System.Private.CoreLib",
    "System.Runtime",
    "System.Console",
    "System.Net.Primitives",
    "System.Net.Security",
    "System.Net.Sockets",
    "System.Runtime.Extensions",
    "System.Security.Principal",
    "System.Threading",
    "System.Threading.Thread",
)


class NotInstalled(Exception):
    """.NET Core, or the compiler, is not on this computer."""


class Acceptor:
    """One that runs: its port, and what it said of each logon."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        self.port = int(self._lines.readline().removeprefix("READY "))
        self.address = f"net.tcp://localhost:{self.port}/DynamicsAx/Services/Group"
        self._said: list[str] = []
        self._changed = threading.Condition()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def said(self, count: int = 1, *, limit_s: float = 60) -> list[str]:
        """So many lines, or more, once they were said."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._said) >= count, limit_s), self._said
            return list(self._said)

    def _listen(self) -> None:
        for line in self._lines:
            with self._changed:
                self._said.append(line.strip())
                self._changed.notify_all()


def compiled(folder: Path) -> Path:
    """The acceptor as a program of .NET Core. Raises NotInstalled."""
    runtime, program = _runtime(), folder / "Acceptor.dll"
    if not shutil.which("mcs"):
        raise NotInstalled("mcs is not installed here (Debian: apt-get install mono-mcs)")
    (libraries,) = (runtime / "shared" / "Microsoft.NETCore.App").iterdir()
    references = [f"-r:{libraries / name}.dll" for name in _LIBRARIES]
    command = ["mcs", "-nostdlib", "-noconfig", "-nowarn:1702", f"-out:{program}", *references, str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    framework = {"name": "Microsoft.NETCore.App", "version": libraries.name}
    options = {"framework": framework, "configProperties": {"System.Globalization.Invariant": True}}
    (folder / "Acceptor.runtimeconfig.json").write_text(json.dumps({"runtimeOptions": options}), encoding="utf-8")
    return program


@contextmanager
def running(program: Path, behind: int, environment: dict[str, str]) -> Iterator[Acceptor]:
    """The acceptor before the port `behind` of this computer, until the end."""
    command = [str(_runtime() / "dotnet"), str(program), str(behind)]
    given = os.environ | environment | {"DOTNET_CLI_TELEMETRY_OPTOUT": "1"}
    with subprocess.Popen(command, env=given, stdout=subprocess.PIPE, text=True) as process:
        acceptor = Acceptor(process)
        try:
            yield acceptor
        finally:
            process.kill()
            acceptor.listener.join()


def _runtime() -> Path:
    found = importlib.util.find_spec("dotnetcore2")
    if found is None or not found.origin:
        raise NotInstalled(".NET Core is not installed here (pip install dotnetcore2==3.1.23)")
    return Path(found.origin).parent / "bin"
