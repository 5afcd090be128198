"""What every journey starts from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.driving import Site, free_port


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, f"http://127.0.0.1:{free_port()}")
    yield made
    made.close()
