"""The folders of real contracts, which do not belong to the project."""

import os
from pathlib import Path

import pytest

from tests.contracts.serving import ROOT

SHARED = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "ax2012"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with contracts, examples and messages of real AX 2012 installations."""
    if not SHARED.is_dir():
        pytest.skip(f"real AX 2012 contracts are not in {SHARED}; RAPIDSTART_SHARED names another place")
    return SHARED
