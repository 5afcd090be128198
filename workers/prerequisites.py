"""What this computer must have for a worker, looked at one by one: each line is ok, missing (and what to do), or cannot tell."""

import platform
import shutil
import sys
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import redis
import requests

from connector.wire.reports import Check
from workers import login

#: Windows Server 2016, by its build: Python 3.12 and libraries written in Rust need it.
WINDOWS_BUILD: Final = 14393
PYTHON: Final = ((3, 11), (3, 15))
#: Reports wait on this computer's disk while the broker is away: so much should be free, in bytes.
DISK_BYTES: Final = 1_000_000_000
#: More than this, and times in logs do not fit together, in seconds.
SKEW_S: Final = 60.0
_PATIENCE_S: Final = 5.0
_NEAR: Final = (
    "Leave the AOS where it is, and run the worker near it: on a newer computer of the same network, which reaches the AOS by "
    "name (rapidstart-worker register --service-host AOS)."
)


def computer(home: Path) -> list[Check]:
    """What needs nobody else: the operating system, Python, the disk, and what no program can look up."""
    return [system(), python(), disk(home), rights(), no_longer(), antivirus(home)]


def system(build: int | None = None) -> Check:
    """The operating system; `build` is that of Windows, where it is not to be asked."""
    if build is None and sys.platform == "win32":
        build = sys.getwindowsversion().build
    if build is None:
        return Check(name="Operating system", ok=True, detail=f"{platform.system()} {platform.release()}")
    if build >= WINDOWS_BUILD:
        return Check(name="Operating system", ok=True, detail=f"Windows, build {build} (Windows Server 2016 is {WINDOWS_BUILD})")
    told = f"Windows, build {build}, is older than Windows Server 2016"
    return Check(name="Operating system", ok=False, detail=told, advice=_NEAR)


def python(version: tuple[int, int] | None = None) -> Check:
    """The Python that runs this."""
    mine = version or sys.version_info[:2]
    floor, beyond = PYTHON
    said = f"{mine[0]}.{mine[1]}"
    if floor <= mine < beyond:
        return Check(name="Python", ok=True, detail=said)
    return Check(name="Python", ok=False, detail=f"{said} is not supported", advice="Install Python 3.11 to 3.14, or the bundle.")


def disk(home: Path) -> Check:
    """Whether there is room where this computer's state lies, or would lie."""
    place = next(folder for folder in (home, *home.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    if free >= DISK_BYTES:
        return Check(name="Disk", ok=True, detail=f"{free / 1e9:.0f} GB are free")
    advice = "Make room, or set RAPIDSTART_HOME to another disk: reports wait there while the broker is away."
    return Check(name="Disk", ok=False, detail=f"only {free / 1e6:.0f} MB are free", advice=advice)


def rights() -> Check:
    """The three rights that the original asked for, and what became of them."""
    told = (
        "The original wanted three: system administrator of the AOS (here: a user of AX with the duties of what is loaded), "
        "administrator of this computer (here: to install the service, not to run it), and a role that may enable services in AX "
        "(here too: whoever activates the ports)"
    )
    return Check(name="Rights", ok=True, detail=told, tried=False)


def no_longer() -> Check:
    """What the original needed and this does not."""
    return Check(name="No longer needed", ok=True, detail=".NET Framework 4.0 and ASP.NET 4.0")


def antivirus(home: Path) -> Check:
    """No program can see what every scanner leaves alone."""
    advice = f"Exclude {home} and this installation's folder: a scanner that holds a report back stops the worker."
    return Check(name="Antivirus", ok=True, detail="its exclusions cannot be looked up", advice=advice, tried=False)


def dispatcher(url: str | None, *, ca_file: str | None = None) -> Iterator[Check]:
    """Whether it answers, and whether its clock is this computer's."""
    if not url:
        told = "none is named; only registration needs it"
        yield Check(name="Dispatcher", ok=True, detail=told, advice="Set RAPIDSTART_API_URL.", tried=False)
        return
    try:
        answer = requests.get(f"{url.rstrip('/')}/healthz", timeout=_PATIENCE_S, verify=ca_file or True)
    except (requests.RequestException, ValueError) as error:
        told = f"{url} does not answer ({type(error).__name__})"
        yield Check(
            name="Dispatcher", ok=False, detail=told, advice="Check RAPIDSTART_API_URL, the way there and its certificate."
        )
        return
    yield Check(name="Dispatcher", ok=True, detail=f"{url} answers")
    yield clock(answer.headers.get("Date", ""), now=time.time())


def clock(date: str, *, now: float) -> Check:
    """This computer's clock (`now`, seconds) beside the Date of an HTTP answer."""
    try:
        skew = abs(parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return Check(name="Clock", ok=True, detail="the dispatcher does not tell its time", tried=False)
    if skew <= SKEW_S:
        return Check(name="Clock", ok=True, detail="goes as the dispatcher's")
    advice = "Set both by the same time server: Kerberos refuses at over 5 minutes."
    return Check(name="Clock", ok=False, detail=f"differs from the dispatcher's by {skew / 60:.0f} minutes", advice=advice)


def broker(url: str) -> Check:
    """Whether it can be reached and lets this computer in. The URL is not told: it holds a password."""
    client = login.connect(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
    try:
        client.ping()
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError):
        told = "the broker refuses the login"
        return Check(
            name="Broker", ok=False, detail=told, advice="Register again, or check the account in RAPIDSTART_BROKER_URL."
        )
    except redis.RedisError as error:
        advice = "Check RAPIDSTART_BROKER_URL, the way there (outbound), and its certificate."
        return Check(name="Broker", ok=False, detail=f"cannot be reached ({type(error).__name__})", advice=advice)
    finally:
        client.close()
    return Check(name="Broker", ok=True, detail="answers, and the login works")
