"""Where bytes come from: a file, or an entry of a zip that was checked before a byte of it is trusted.

A name is only ever a key and a label: nothing is unpacked to a path that a package chose.
"""

import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import SEEK_END
from pathlib import Path, PurePosixPath
from typing import IO, Final

from connector.errors import PackageRefused, Place
from connector.intake.values import Limits

#: Below this many inflated bytes a high ratio is harmless (a column of zeros does it).
_RATIO_MATTERS_BYTES: Final = 10_000_000
#: An entry that must be read out of order is copied to memory up to this many bytes, and beyond to an unnamed file.
_SPOOL_BYTES: Final = 4_000_000
_ENCRYPTED_FLAG: Final = 0x1
#: The longest directory of a zip that is read: it lies in memory whole. That of 5,000 files with long names has a megabyte.
_DIRECTORY_BYTES: Final = 16_000_000
#: APPNOTE.TXT (PKWARE) 4.3.16 and 4.3.14: the record at the end of an archive, and the one of large archives before it.
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A named stream of bytes that can be opened again and again."""

    name: str
    size: int
    open: Callable[[], IO[bytes]] = field(repr=False, compare=False)
    seekable: bool = True

    @property
    def stem(self) -> str:
        """The name without folder and extension: the entity's name."""
        return PurePosixPath(self.name).stem

    def head(self, size: int = 8192) -> bytes:
        """The first bytes. Raises PackageRefused."""
        with reading(self.name), self.open() as stream:
            return stream.read(size)

    @contextmanager
    def random_access(self) -> Iterator[IO[bytes]]:
        """The bytes as a file in which one can jump; a zip's entry is copied first. Raises PackageRefused."""
        with reading(self.name), self.open() as stream:
            if self.seekable:
                yield stream
                return
            with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as copy:
                shutil.copyfileobj(stream, copy)
                copy.seek(0)
                yield copy


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say in our own words what a damaged zip says in its library's."""
    try:
        yield
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise PackageRefused(
            "the zip archive is damaged or uses an unknown compression.",
            advice="Save it again and retry.",
            place=Place(file=name),
        ) from error


def of_file(path: Path, *, name: str | None = None) -> Source:
    """A file on disk under the name that the user gave it."""
    return Source(name=name or path.name, size=path.stat().st_size, open=lambda: path.open("rb"))


def of_folder(folder: Path) -> list[Source]:
    """Every file in a folder, named relative to it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [of_file(path, name=path.relative_to(folder).as_posix()) for path in files]


def of_zip(path: Path, *, name: str, limits: Limits) -> list[Source]:
    """The files in a zip, once all of their names and sizes are found to be harmless. Raises PackageRefused.

    The zip stays open as long as one of its sources is in use: with hundreds of entries, its directory is long to read.
    """
    with reading(name):
        with path.open("rb") as file:
            check_directory(file, name=name)
        archive = zipfile.ZipFile(path)
        return [_entry(archive, info, name) for info in checked(archive, name=name, limits=limits)]


def check_directory(file: IO[bytes], *, name: str) -> None:
    """Raise PackageRefused where the directory at a zip's end is longer than any is: `zipfile` reads it whole, unasked."""
    size = _directory_bytes(file)
    if size > _DIRECTORY_BYTES:
        raise _refused(name, f"the zip's list of its files alone has {size:,} bytes.", "Divide the package.")


def _directory_bytes(file: IO[bytes]) -> int:
    """The length that the archive states of its directory; 0 where it states none."""
    total = file.seek(0, SEEK_END)
    start = file.seek(max(total - _END.size - 0xFFFF, 0))
    tail = file.read()
    at = len(tail) - _END.size  # where there is no comment behind it, as `zipfile` looks for it
    if tail[max(at, 0) :][:4] != b"PK\5\6":
        at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        return 0
    size = int(_END.unpack_from(tail, at)[5])
    locator = start + at - _LOCATOR_64.size
    if locator < 0:
        return size
    file.seek(locator)
    magic, _, end_64, _ = _LOCATOR_64.unpack(file.read(_LOCATOR_64.size))
    if magic != b"PK\6\7" or end_64 + _END_64.size > total:
        return size
    file.seek(end_64)
    return max(size if size != 0xFFFFFFFF else 0, int(_END_64.unpack(file.read(_END_64.size))[8]))


def checked(archive: zipfile.ZipFile, *, name: str, limits: Limits) -> list[zipfile.ZipInfo]:
    """The entries that are files. Raises PackageRefused where a name, a size or their number is out of bounds.

    Sizes are those that the archive states; `zipfile` never hands out more than that, and then checks the sum.
    """
    # An entry without a name makes is_dir stumble on some versions of Python.
    infos = [info for info in archive.infolist() if not info.filename or not info.is_dir()]
    if len(infos) > limits.entries:
        raise _refused(name, f"the zip holds {len(infos):,} files, more than {limits.entries:,}.", "Divide the package.")
    total = sum(info.file_size for info in infos)
    if total > limits.inflated_bytes:
        raise _refused(name, f"the zip inflates to {total:,} bytes, more than {limits.inflated_bytes:,}.", "Divide the package.")
    for info in infos:
        _check_entry(info, name=name, limits=limits)
    twice = [entry for entry, count in Counter(info.filename.casefold() for info in infos).items() if count > 1]
    if twice:
        raise _refused(name, f"the zip holds {_shown(twice[0])!r} more than once.", "Keep one of them.")
    return infos


def _check_entry(info: zipfile.ZipInfo, *, name: str, limits: Limits) -> None:
    shown, parts = _shown(info.filename), info.filename.replace("\\", "/").split("/")
    if not info.filename or info.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise _refused(
            name, f"the zip holds a file whose name leads outside of it: {shown!r}.", "Make the zip anew from its files."
        )
    if info.header_offset < 0:  # the directory says that it begins before the file does
        raise _refused(name, f"the zip archive is damaged: {shown!r} is not in it.", "Save it again and retry.")
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise _refused(name, f"{shown!r} in the zip is encrypted.", "Hand in a zip without a password.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _refused(name, f"{shown!r} in the zip is a link to another file.", "Make the zip anew from the files themselves.")
    if info.file_size > _RATIO_MATTERS_BYTES and info.file_size > limits.ratio * max(info.compress_size, 1):
        raise _refused(name, f"{shown!r} inflates to more than {limits.ratio} times its size.", "Hand in the file itself.")


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, zip_name: str) -> Source:
    def opened() -> IO[bytes]:
        with reading(zip_name):
            return archive.open(info)

    return Source(name=info.filename.replace("\\", "/"), size=info.file_size, open=opened, seekable=False)


def _refused(name: str, message: str, advice: str) -> PackageRefused:
    return PackageRefused(message, advice=advice, place=Place(file=name))


def _shown(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:80]}..."
