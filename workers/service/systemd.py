"""Services of systemd: one template for all endpoints of this computer, and beside it what differs for each."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from workers.errors import GiveUp
from workers.service import ownership
from workers.service.definition import Definition, Found, State, Stopped

TEMPLATE: Final = "rapidstart-worker@.service"
_FOLDER: Final = Path("/etc/systemd/system")
_STATES: Final = {
    "active": State.RUNNING,
    "reloading": State.RUNNING,
    "activating": State.STARTING,
    "deactivating": State.STOPPING,
}
#: The account that runs workers where none is named.
ACCOUNT: Final = "rapidstart"

_UNIT: Final = """\
# Written by `rapidstart-worker service install`, which writes it anew when it is called again.
[Unit]
Description=RapidStart Connector (%i)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={python} -m workers service run --instance %i --home {home}
Restart=always
RestartSec=5
# The service tells its own workers: they finish the calls in hand, and give back what they have not started.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec={stop_s}
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
LockPersonality=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
ReadWritePaths={home}
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""
#: Of one endpoint: whom it runs as, and how long it may take to stop.
_OWN: Final = """\
[Service]
User={account}
TimeoutStopSec={stop_s}
"""


class Systemd:
    """The services of a Linux computer."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        """`folder`: where the computer's own units lie."""
        self._folder = folder

    def name(self, instance: str) -> str:
        """As rapidstart-worker@AX60_PROD.service."""
        return f"rapidstart-worker@{instance}.service"

    def install(self, service: Definition) -> None:
        """Write the template and the instance's own part, and have it start with the computer. Raises GiveUp.

        The endpoint's folder becomes its account's.
        """
        account = service.account or ACCOUNT
        ownership.hand_over(service.folder, account=account)
        own = self._own(service.instance)
        self._write(self._folder / TEMPLATE, unit(service))
        self._write(own / "own.conf", _OWN.format(account=account, stop_s=service.stop_s))
        self._ctl("daemon-reload")
        self._ctl("enable", "--quiet", self.name(service.instance))

    def move(self, service: Definition) -> None:
        """Raises GiveUp."""
        self._write(self._folder / TEMPLATE, unit(service))
        self._ctl("daemon-reload")

    def start(self, instance: str) -> None:
        """Raises GiveUp."""
        self._ctl("start", self.name(instance))

    def stop(self, instance: str, *, within_s: float) -> None:
        """systemd itself waits as long as the unit says. Raises GiveUp, Stopped."""
        self._ctl("stop", self.name(instance), within_s=within_s)

    def status(self, instance: str) -> State:
        """Raises GiveUp where systemd does not answer."""
        if not self._own(instance).exists():
            return State.MISSING
        return self._state(self.name(instance))

    def uninstall(self, instance: str) -> None:
        """The last one takes the template away. Raises GiveUp."""
        self._ctl("disable", "--quiet", self.name(instance))
        try:
            shutil.rmtree(self._own(instance), ignore_errors=False)
            if not self._instances():
                (self._folder / TEMPLATE).unlink(missing_ok=True)
        except OSError as error:
            told = f"the unit cannot be removed: {error.strerror}."
            raise GiveUp(told, advice="Call this as root (sudo).", code="RSC-5961") from error
        self._ctl("daemon-reload")

    def found(self) -> list[Found]:
        """Raises GiveUp where systemd does not answer."""
        try:
            text = (self._folder / TEMPLATE).read_text(encoding="utf-8")
        except OSError:
            return []
        (command,) = [line.partition("=")[2] for line in text.splitlines() if line.startswith("ExecStart=")]
        ours = command.startswith(f"{sys.executable} ")
        named = [(self.name(each), self._state(self.name(each))) for each in self._instances()]
        return [Found(name=name, state=state, command=command, is_ours=ours) for name, state in named]

    def remove(self, found: Found) -> None:
        """Raises GiveUp."""
        instance = found.name.partition("@")[2].removesuffix(".service")
        self._ctl("stop", found.name)
        self.uninstall(instance)

    def _write(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            told = f"the unit cannot be written: {error.strerror}."
            raise GiveUp(told, advice="Call this as root (sudo).", code="RSC-5961") from error

    def _own(self, instance: str) -> Path:
        return self._folder / f"{self.name(instance)}.d"

    def _instances(self) -> list[str]:
        folders = self._folder.glob("rapidstart-worker@?*.service.d")
        return sorted(folder.name.partition("@")[2].removesuffix(".service.d") for folder in folders)

    def _state(self, unit: str) -> State:
        return _STATES.get(self._ctl("show", "--property=ActiveState", "--value", unit).strip(), State.STOPPED)

    def _ctl(self, *words: str, within_s: float | None = None) -> str:
        try:
            done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, timeout=within_s)  # noqa: S607
        except OSError as error:
            told = "this computer has no systemd."
            advice = "Run the worker service by your own service manager: rapidstart-worker service run."
            raise GiveUp(told, advice=advice, code="RSC-5962") from error
        except subprocess.TimeoutExpired as error:
            raise Stopped(f"{words[-1]} has not ended within {within_s:g} s.", advice="It goes on ending: ask again.") from error
        if done.returncode:
            why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
            raise GiveUp(f"systemctl {words[0]} failed: {why}", advice="Call this as root (sudo).", code="RSC-5963")
        return done.stdout


def unit(service: Definition) -> str:
    """The text of the template. Folders with blanks or percent signs are written as systemd wants them."""
    return _UNIT.format(python=_quoted(sys.executable), home=_quoted(str(service.home)), stop_s=service.stop_s)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')
    return f'"{escaped}"' if " " in escaped else escaped
