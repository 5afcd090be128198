"""One Windows for all tests of a run; each test leaves no service behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.driving import Site, free_port
from tests.windows.under_wine import Windows, prepare


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A new one; or the one that RAPIDSTART_TEST_WINDOWS names, which a former run or `prepare.sh` has made."""
    kept = os.environ.get("RAPIDSTART_TEST_WINDOWS")
    made = Windows(folder=Path(kept)) if kept else prepare(tmp_path_factory.mktemp("windows"))
    made.begin()
    yield made
    made.end()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A dispatcher on this computer."""
    made = Site(tmp_path, f"http://127.0.0.1:{free_port()}")
    yield made
    made.close()
