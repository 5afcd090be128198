"""Where packages lie: files named by the SHA-256 of their content, written whole or not at all."""

import hashlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from connector.errors import NotReachable, PackageRefused
from connector.ledger import Ledger, packages

#: Bytes of a part in the ledger: no writer waits long for one.
_PART = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file on the shelf."""

    sha256: str
    size: int
    path: Path


def store(folder: Path, chunks: Iterable[bytes], *, ceiling: int) -> Stored:
    """Write a stream to the shelf; on disk when this returns. Raises PackageRefused over `ceiling` bytes, NotReachable."""
    digest = hashlib.sha256()
    size = 0
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="incoming-", delete=False) as file:
            try:
                for chunk in chunks:
                    size += len(chunk)
                    if size > ceiling:
                        raise PackageRefused(f"the package is over {ceiling // 1_000_000} MB.", advice="Divide it into several.")
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
        path = folder / digest.hexdigest()
        Path(file.name).replace(path)
    except OSError as error:
        raise NotReachable(f"the package cannot be stored: {error.strerror}.", advice="Check the dispatcher's disk.") from error
    return Stored(sha256=digest.hexdigest(), size=size, path=path)


def share(stored: Stored, ledger: Ledger) -> None:
    """Put the content of a file into a ledger that other computers use: the package may be planned by any of them."""
    with ledger.write() as db:  # nobody takes away the parts that are there while the others come
        packages.coming(db, stored.sha256, at=time.time())
    with stored.path.open("rb") as file:
        for no, content in enumerate(iter(lambda: file.read(_PART), b"")):
            with ledger.write() as db:
                packages.set_part(db, stored.sha256, no, content)


def fetch(folder: Path, sha256: str, ledger: Ledger) -> Path:
    """Where the content of a package lies, taken from the ledger where another computer received it. Raises NotReachable."""
    path = folder / sha256
    if not path.exists() and ledger.is_shared:
        found = store(folder, _parts(sha256, ledger), ceiling=sys.maxsize)
        if found.sha256 != sha256:
            found.path.unlink()
            raise NotReachable(f"the package {sha256[:12]} is not whole in the ledger.", advice="Upload it again.")
    return path


def _parts(sha256: str, ledger: Ledger) -> Iterator[bytes]:
    for no in itertools.count():
        with ledger.read() as db:
            content = packages.part(db, sha256, no)
        if content is None:
            return
        yield content
