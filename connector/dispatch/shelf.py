"""Where packages lie: files named by the SHA-256 of their content, written whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from connector.errors import NotReachable, PackageRefused


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
