"""Real contracts, which do not belong to the project, and a simulated AOS as a process of its own."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "ax2012"

Simulate = Callable[..., str]


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder of real AX 2012 contracts."""
    folder = SHARED / "contracts"
    if not folder.is_dir():
        pytest.skip(f"real AX 2012 contracts are not in {folder}; RAPIDSTART_SHARED names another place")
    return folder


@pytest.fixture(scope="session")
def examples(contracts: Path) -> Path:
    """Requests, a response and a fault that fit the real contracts."""
    return contracts.parent / "examples"


@pytest.fixture(scope="session")
def zipped(contracts: Path) -> Callable[[str], bytes]:
    """A contract folder as the zip that an endpoint keeps."""

    def zip_of(name: str) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted((contracts / name).iterdir()):
                archive.write(file, file.name)
        return packed.getvalue()

    return zip_of


@contextmanager
def _simulator(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "workers.simulator", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), f"the simulator did not start: {line!r}"
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def simulate() -> Iterator[Simulate]:
    """Starts a simulated AOS with the given options; its URL. Those of a module end with it."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(_simulator(*options))
