"""Folders as one file: what a package or a contract is when it travels. The same folder gives the same bytes."""

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from connector.errors import PackageRefused

#: The oldest time that a zip entry can bear.
_TIME: Final = (1980, 1, 1, 0, 0, 0)


@contextmanager
def as_file(path: Path) -> Iterator[tuple[Path, str]]:
    """A file as it is, a folder as a temporary zip of its files; with the name under which it is handed in.

    Raises PackageRefused for an empty folder.
    """
    if not path.is_dir():
        yield path, path.name
        return
    files = _visible_files(path)
    if not files:
        raise PackageRefused(f"the folder {path.name} holds no file.", advice="Name a folder of CSV or XLSX files.")
    with tempfile.TemporaryDirectory(prefix="rapidstart-") as folder:
        zipped = Path(folder) / "package.zip"
        with zipped.open("wb") as file:
            write_zip(file, files, root=path)
        yield zipped, f"{path.resolve().name}.zip"


def write_zip(to: IO[bytes], files: Iterable[Path], *, root: Path) -> None:
    """A zip whose bytes depend on the files' names and contents only."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=path.stat().st_size > 1 << 30) as target:
                while chunk := source.read(1 << 20):
                    target.write(chunk)


def digest(path: Path) -> str:
    """The SHA-256 of a file, as the dispatcher will know it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _visible_files(root: Path) -> list[Path]:
    found = (path for path in root.rglob("*") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))
