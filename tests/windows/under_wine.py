"""A Windows under wine in which the offline bundle was installed. See `prepare.sh`."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.driving import eventually

ROOT = Path(__file__).parents[2]
COMMAND = r"C:\rapidstart\rapidstart-worker.cmd"
#: What `prepare.sh` needs of this computer.
NEEDED = ("wine", "wineserver", "winepath", "x86_64-w64-mingw32-gcc-win32")


@dataclass(frozen=True, kw_only=True)
class Windows:
    """A Windows computer."""

    folder: Path

    @property
    def drive(self) -> Path:
        return self.folder / "prefix" / "drive_c"

    @property
    def home(self) -> Path:
        """RAPIDSTART_HOME, where nothing else is said."""
        return self.drive / "ProgramData" / "RapidStart Connector"

    @property
    def env(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("RAPIDSTART_", "PYTHON"))}
        return {**clean, "WINEPREFIX": str(self.folder / "prefix"), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}

    def run(self, *command: str, timeout_s: float = 400) -> subprocess.CompletedProcess[str]:
        """Both streams are one pipe: under wine Windows' Python wants that. What ends is the process, not the pipe, of which a
        process that it has started may hold the other end for ever.
        """
        with subprocess.Popen(
            ["wine", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env
        ) as process:
            assert process.stdout
            said = _heard(process, process.stdout.fileno(), until=time.monotonic() + timeout_s)
        text = said.decode("utf-8", errors="replace").replace("\r\n", "\n")
        assert process.returncode is not None
        return subprocess.CompletedProcess(command, process.returncode, stdout=text)

    def worker(self, *arguments: str, timeout_s: float = 400, code: int | None = 0) -> str:
        """What `rapidstart-worker ...` says there; its exit code must be this."""
        done = self.run(COMMAND, *arguments, timeout_s=timeout_s)
        assert code is None or done.returncode == code, f"exit code {done.returncode}: {done.stdout}\n{self.logs()}"
        return done.stdout

    def python(self, *arguments: str) -> str:
        """What the Python of the installed version says, which must end well."""
        current = json.loads(self.installed.read_text())["current"]
        done = self.run(rf"C:\rapidstart\{current}\python.exe", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def path(self, path: Path) -> str:
        """A file of this Windows, as Windows names it."""
        return "C:\\" + str(path.relative_to(self.drive)).replace("/", "\\")

    def has(self, service: str) -> bool:
        """Whether there is a service of that name."""
        return self.run("sc", "query", service).returncode == 0

    @property
    def installed(self) -> Path:
        """Which versions there are."""
        return self.drive / "rapidstart" / "installed.json"

    def command_of(self, service: str) -> str:
        """What a service runs, as Windows has it."""
        key = f"HKLM\\SYSTEM\\CurrentControlSet\\Services\\{service}"
        return self.run("reg", "query", key, "/v", "ImagePath").stdout

    def install(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the bundle's script, as it was prepared for wine."""
        script = self.run("winepath", "-w", str(self.folder / "bundle" / "install.cmd")).stdout.strip()
        return self.run("cmd", "/c", script, "--folder", r"C:\rapidstart", *options, timeout_s=900)

    @contextlib.contextmanager
    def broken_bundle(self) -> Iterator[None]:
        """What is installed meanwhile loads, but ends at once where Windows starts it as a service."""
        start = self.folder / "bundle" / "python" / "sitecustomize.py"
        whole = start.read_text(encoding="ascii")
        start.write_text(f'import sys\nif "--hosted" in sys.orig_argv:\n    raise SystemExit(9)\n{whole}', encoding="ascii")
        try:
            yield
        finally:
            start.write_text(whole, encoding="ascii")

    def logs(self) -> str:
        found = self.home.glob("endpoints/*/logs/service.log")
        return "\n".join(f"--- {log.parent.parent.name}\n{log.read_text(errors='replace')[-4000:]}" for log in found)

    def begin(self) -> None:
        """Start it up, anew where it runs: it lasts until `end`, and has one service control manager, which answers."""
        self.end()
        # The first command starts it, and what is started then keeps that command's streams: a pipe would never be seen to end.
        for command in (["wineserver", "-p"], ["wine", "cmd", "/c", "exit"]):
            nowhere = subprocess.DEVNULL
            subprocess.run(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=self.env, check=True, timeout=300)
        eventually(lambda: self.has("PlugPlay"), within_s=120, what="a service control manager")

    def end(self) -> None:
        """End every process of this Windows, of no other one; return when none is left."""
        subprocess.run(["wineserver", "-k"], env=self.env, check=False, timeout=60)  # there may be none
        subprocess.run(["wineserver", "-w"], env=self.env, check=True, timeout=60)


def _heard(process: subprocess.Popen[bytes], pipe: int, *, until: float) -> bytes:
    """All that a process has written when it ends. Fails where it does not, and then it is gone."""
    os.set_blocking(pipe, False)
    said = bytearray()
    while True:
        has_ended = process.poll() is not None
        readable, _, _ = select.select([pipe], [], [], 0 if has_ended else 0.1)
        if piece := os.read(pipe, 65536) if readable else b"":
            said += piece
        elif has_ended:
            return bytes(said)
        elif readable:  # it has closed its end, and goes on
            time.sleep(0.05)
        if time.monotonic() > until:
            process.kill()
            raise AssertionError(f"{process.args} has not ended in time: {said.decode(errors='replace')}")


def prepare(folder: Path) -> Windows:
    """Make the bundle, a Windows, and install the one in the other. Skips where this computer has not got what it takes."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not on this computer: {', '.join(missing)}")
    made = subprocess.run(
        [sys.executable, "-m", "deploy.windows.bundle", "--out", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"the bundle cannot be made here: {made.stderr.strip()[-300:]}")
    (bundle,) = folder.glob("rapidstart-worker-*-windows")
    script = Path(__file__).with_name("prepare.sh")
    done = subprocess.run(["bash", str(script), str(bundle), str(folder)], capture_output=True, text=True, check=False)
    windows = Windows(folder=folder)
    if done.returncode:
        windows.end()
        raise AssertionError(done.stdout + done.stderr)
    return windows
