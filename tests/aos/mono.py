"""Services that WCF itself hosts, on Mono: compiled once per test run, each a process of its own.

A simulator in Python can share a misunderstanding with a client in Python; these cannot.
"""

import contextlib
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PEERS = Path(__file__).with_name("peers")
_LIBRARIES = ("System.ServiceModel", "System.Runtime.Serialization", "System.Xml", "System.Data")
_PACKAGES = (
    "mono-mcs mono-runtime libmono-system-servicemodel4.0a-cil libmono-system-runtime-serialization4.0-cil "
    "libmono-system-identitymodel4.0-cil libmono-system-data4.0-cil"
)


class NotInstalled(Exception):
    """Mono is not on this computer."""


def compiled(name: str, *sources: Path, folder: Path) -> Path:
    """A program made of C# files, in `folder`. Raises NotInstalled."""
    if not (shutil.which("mcs") and shutil.which("mono")):
        raise NotInstalled(f"Mono is not installed here (Debian: apt-get install {_PACKAGES})")
    program = folder / f"{name}.exe"
    references = [f"-r:{library}.dll" for library in _LIBRARIES]
    subprocess.run(["mcs", f"-out:{program}", *references, *map(str, sources)], check=True, capture_output=True, timeout=120)
    return program


@contextmanager
def running(program: Path, *arguments: str) -> Iterator[int]:
    """The program, listening; the port of this computer that it was given as its first argument."""
    port = free_port()
    with subprocess.Popen(["mono", str(program), str(port), *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any(line.strip() == "READY" for line in process.stdout), f"{program.name} ended before it listened"
            yield port
        finally:
            process.kill()


def free_ports_in_a_row(count: int) -> int:
    """The first of some ports that nobody listens on, below those that the system itself gives away."""
    while True:
        first = random.randrange(20_000, 30_000)
        with contextlib.ExitStack() as listeners, contextlib.suppress(OSError):
            for port in range(first, first + count):
                listeners.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def free_port() -> int:
    """A port of this computer that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
