"""Contracts of ports on disk, so that a worker that starts again need not ask for them.

A file for each port: a zip of what was gathered and pruned, with its fingerprint and time. What cannot be read is as if it
were not there; what cannot be written costs a question at the next start, and nothing else.
"""

import hashlib
import json
import logging
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lxml import etree

from workers.aos import gathering
from workers.aos.gathering import MEMORY, Files
from workers.errors import GiveUp

log = logging.getLogger(__name__)

#: Ports that are kept; an AOS computer has a handful.
MAX_KEPT: Final = 32

_LABEL: Final = "contract.json"
_SUFFIX: Final = ".contract.zip"


class Shelf:
    """The contracts of one endpoint's ports, in a folder of their own. Several processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, address: str, files: Files, *, fingerprint: str) -> None:
        """Keeps a port's contract in place of an older one; the longest unused ports make room."""
        label = {"address": address, "root": files.root, "fingerprint": fingerprint, "fetched_at": datetime.now(UTC).isoformat()}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._place(address), label, files)
            self._make_room()
        except OSError as error:
            log.warning("a contract cannot be kept: %s", error.strerror, extra={"action": "contract_not_kept"})

    def get(self, address: str, *, fingerprints: set[str]) -> Files | None:
        """The kept contract of a port, where it is one of these; None where there is none or it is damaged."""
        place = self._place(address)
        try:
            with zipfile.ZipFile(place) as kept:
                label = json.loads(_content(kept, _LABEL))
                if label["fingerprint"] not in fingerprints or label["address"] != address:
                    return None
                os.utime(place)
                return _files(kept, label)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error, RuntimeError, GiveUp):
            log.warning("a kept contract is damaged and is fetched again", extra={"action": "contract_damaged"})
            return None

    def drop(self, address: str) -> None:
        """Keeps a port's contract no longer: it is stale."""
        try:
            self._place(address).unlink(missing_ok=True)
        except OSError as error:
            log.warning("a stale contract cannot be removed: %s", error.strerror, extra={"action": "contract_not_removed"})

    def _place(self, address: str) -> Path:
        return self._folder / f"{hashlib.sha256(address.encode()).hexdigest()[:40]}{_SUFFIX}"

    def _write(self, place: Path, label: Mapping[str, str], files: Files) -> None:
        """Whole or not at all: written beside, then renamed."""
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as written:
                with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.writestr(_LABEL, json.dumps(label))
                    for memory, tree in files.trees.items():
                        archive.writestr(memory.removeprefix(MEMORY), etree.tostring(tree, encoding="utf-8"))
                written.flush()
                os.fsync(written.fileno())
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _make_room(self) -> None:
        kept = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime)
        for oldest in kept[:-MAX_KEPT]:
            oldest.unlink(missing_ok=True)


def _files(kept: zipfile.ZipFile, label: Mapping[str, Any]) -> Files:
    """The trees of a kept contract; they import each other and nothing else. Raises ValueError, GiveUp."""
    names = [name for name in kept.namelist() if name != _LABEL]
    if len(names) > gathering.MAX_FILES or sum(member.file_size for member in kept.infolist()) > gathering.MAX_BYTES:
        raise ValueError
    trees = {MEMORY + name: gathering.parse(_content(kept, name), name=name) for name in names}
    if label["root"] not in trees or any(place not in trees for tree in trees.values() for place in gathering.imported(tree)):
        raise ValueError
    return Files(root=label["root"], trees=trees)


def _content(kept: zipfile.ZipFile, name: str) -> bytes:
    if kept.getinfo(name).file_size > gathering.MAX_FILE:
        raise ValueError
    return kept.read(name)
