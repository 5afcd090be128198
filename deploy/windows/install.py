"""Installs the worker from the offline bundle, beside the version that is there; or goes back to the one before.

Run by `install.cmd` with the bundle's own Python; needs nothing else, and no network. Every version has a folder of its own
under the chosen one, which also holds `rapidstart-worker.cmd`. Settings, keys and logs lie elsewhere and are not touched.
Where the new version does not work, or its services do not start, the one before is put back.
"""

import argparse
import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NoReturn

BUNDLE: Final = Path(__file__).resolve().parent
DEFAULT: Final = r"C:\Program Files\RapidStart Connector"
#: Which version is in use, and which was before it.
STATE: Final = "installed.json"
COMMAND: Final = "rapidstart-worker.cmd"
#: What a bundle holds besides the wheels.
PARTS: Final = ("LICENSE.txt", "bundle.json", "requirements.txt", "wheels", "python/python.exe", "pip")
#: What a worker and its service need: loading it proves a version, and leaves it compiled for accounts that may not write here.
NEEDED: Final = (
    "app",
    "commands.doctor",
    "commands.form",
    "commands.service",
    "enrol.command",
    "service.hosted",
    "service.windows",
)


def main() -> None:
    """Install, or go back, as the command line says; what is not said is asked."""
    asked = _arguments()
    if asked.rollback:
        _go_back(asked.folder or Path(_answer("Folder", DEFAULT)))
        return
    missing = [part for part in PARTS if not (BUNDLE / part).exists()]
    if missing:
        _stop(f"nothing was installed: this bundle has no {missing[0]}. Unpack the whole zip anew, and call its install.cmd.")
    if not asked.accept_licence:
        _say((BUNDLE / "LICENSE.txt").read_text(encoding="utf-8"))
        if _answer("Do you accept this licence? yes or no", "no").lower() not in {"yes", "y"}:
            _stop("nothing was installed: the licence was not accepted. Call this again, and answer yes or say --accept-licence.")
    root = asked.folder or Path(_answer("Folder", DEFAULT))
    before = _state(root).get("current")
    new = _unpack(root)
    _switch(root, new)
    _say(f"RapidStart Connector {new} is installed. Next:")
    _say(f'  "{root / COMMAND}" doctor')
    _say(f'  "{root / COMMAND}" settings')
    if before:
        _say(f'Version {before} is kept. To go back to it: "{BUNDLE / "install.cmd"}" --rollback --folder "{root}"')


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="install.cmd", description="Install RapidStart Connector beside an AOS.")
    parser.add_argument("--folder", type=Path, help=f"where it is installed; left out: it is asked, {DEFAULT} is offered")
    parser.add_argument("--accept-licence", action="store_true", help="the licence (LICENSE.txt) was read and is accepted")
    parser.add_argument("--rollback", action="store_true", help="go back to the version that was in use before")
    return parser.parse_args()


def _unpack(root: Path) -> str:
    """Python and every wheel, by its hash, in a folder of their own. The name of that folder."""
    said = json.loads((BUNDLE / "bundle.json").read_text(encoding="utf-8"))
    new = next(name for name in _names(said["version"]) if not (root / name).exists())
    place = root / new
    _say("Installing, this takes a minute ...")
    try:
        shutil.copytree(BUNDLE / "python", place)
    except OSError as error:  # copytree tells of many at once, and then has no number
        shutil.rmtree(place, ignore_errors=True)
        _stop(f"nothing was installed: {root} cannot be written ({error.strerror or 'see the disk'}). {_advice(error)}")
    (pip,) = (BUNDLE / "pip").glob("pip-*.whl")
    command = [sys.executable, str(pip / "pip"), "install", "--quiet", "--no-index", "--no-deps", "--require-hashes"]
    whence = ["--find-links", str(BUNDLE / "wheels"), "--target", str(place / "Lib" / "site-packages"), "--no-compile"]
    done = _run([*command, "--no-cache-dir", "--disable-pip-version-check", *whence, "-r", str(BUNDLE / "requirements.txt")])
    works = _run([str(place / "python.exe"), "-c", _IMPORTS]) if not done.returncode else done
    if works.returncode:
        shutil.rmtree(place, ignore_errors=True)
        _stop(f"nothing was installed, what is there goes on. Unpack the whole zip anew, or send this:\n{works.stdout.strip()}")
    return new


_IMPORTS: Final = f"import {', '.join(f'workers.{name}' for name in NEEDED)}"


def _advice(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "Name a folder of a drive that is there: --folder."
    if error.errno == errno.ENOSPC:
        return "Make room, or name a folder on another disk: --folder."
    return "Run this as an administrator, or name another folder: --folder."


def _names(version: str) -> list[str]:
    """The folder of a version; installed again, it gets another one: the services run in the one that is there."""
    return [version, *(f"{version}-{again}" for again in range(2, 100))]


def _switch(root: Path, new: str) -> None:
    """Use a version from now on. Where its services do not start, use the one before again, and stop."""
    before = _state(root).get("current")
    if _use(root, new):
        _keep(root, {"current": new, "previous": before})
    elif before and _use(root, before, again=True):
        shutil.rmtree(root / new, ignore_errors=True)
        _stop(f"version {new} does not work here; {before} is in use again, and nothing else has changed. See the lines above.")
    elif before:
        _stop(f"neither version {new} nor {before} starts every service. See the lines above, and: {COMMAND} doctor.")
    else:
        _stop(f"version {new} is in {root / new}, but a service does not start. See the lines above, and call this again.")


def _use(root: Path, version: str, *, again: bool = False) -> bool:
    """Have the command and every service of this project run a version. Whether all of them do, and those run that ran before;
    `again`: another version was tried since, and has stopped them.
    """
    lines = ["@echo off", f'"%~dp0{version}\\python.exe" -m workers %*', "exit /b %ERRORLEVEL%"]
    (root / COMMAND).write_text("".join(f"{line}\r\n" for line in lines), encoding="ascii", newline="")
    more = ["--start"] if again else []
    done = _run([str(root / version / "python.exe"), "-m", "workers", "service", "move", *more])
    if done.stdout.strip():
        _say(done.stdout.strip())
    return not done.returncode


def _go_back(root: Path) -> None:
    state = _state(root)
    before, current = state.get("previous"), state.get("current")
    if not before or not (root / before / "python.exe").exists():
        _stop(f"there is no version in {root} to go back to. Name the folder that it was installed in: --folder.")
    if not _use(root, before):
        if current and _use(root, current, again=True):
            _stop(f"version {before} does not work here any more; {current} is in use again. See the lines above.")
        _stop(f"not every service runs version {before}. See the lines above, and: {COMMAND} doctor.")
    _keep(root, {"current": before, "previous": current})
    _say(f"RapidStart Connector {before} is in use again. To use {current} after all, call this once more.")


def _state(root: Path) -> dict[str, str | None]:
    try:
        said: dict[str, str | None] = json.loads((root / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError):
        _stop(f"{root / STATE} cannot be read. Run this as an administrator; where that file is broken, name another folder.")
    return said


def _keep(root: Path, state: dict[str, str | None]) -> None:
    beside = root / f"{STATE}.new"
    beside.write_text(json.dumps(state), encoding="utf-8")
    beside.replace(root / STATE)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _answer(question: str, default: str) -> str:
    sys.stdout.write(f"{question} [{default}]: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() or default


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _stop(why: str) -> NoReturn:
    raise SystemExit(f"Error: {why}")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        _stop(f"{error.filename or 'a file'} cannot be written or read ({error.strerror}). {_advice(error)}")
    except KeyboardInterrupt:
        _stop("it was interrupted. Call this again: what is half done is done anew, and until then the version before is in use.")
