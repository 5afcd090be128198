"""Files that people hand in by a form of a page."""

from typing import Final

from fastapi import UploadFile

from connector.dispatch import Dispatcher
from connector.errors import PackageRefused
from connector.ledger.packages import PackageRecord

#: The most bytes of such a form: none, as a package has a ceiling of its own.
STREAMED: Final = 1 << 62

_CHUNK: Final = 1 << 20


def stored(dispatcher: Dispatcher, file: UploadFile, *, ceiling: int) -> PackageRecord:
    """Store a file of a form as a package of at most `ceiling` bytes. Raises PackageRefused, also where none was chosen."""
    if not file.filename:
        raise PackageRefused("no file was chosen.", advice="Choose one, or drop it on the page.")
    chunks = iter(lambda: file.file.read(_CHUNK), b"")
    name = file.filename.replace("\\", "/").rsplit("/", 1)[-1]
    return dispatcher.receive(name, chunks, ceiling=ceiling)
