"""A worker whose disk is full cannot check documents for a while; nothing is wrong with the job."""

import resource
from types import SimpleNamespace

import pytest

from workers.aos.checking import Checker
from workers.aos.gathering import MEMORY
from workers.errors import Retry

SCHEMA = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:int"/></xs:schema>'


@pytest.fixture
def checker():
    return Checker(SimpleNamespace(place_of=lambda name: f"{MEMORY}a.xsd"), {f"{MEMORY}a.xsd": SCHEMA})


@pytest.fixture
def full_disk():
    """No file of this process may grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_batch_comes_again_and_is_checked_then(checker, full_disk):
    with pytest.raises(Retry, match="cannot be written") as told:
        checker.problems("a", b"<a>1</a>")
    assert told.value.code == "RSC-5471"
    full_disk()
    assert checker.problems("a", b"<a>1</a>") == []
    assert len(checker.problems("a", b"<a>b</a>")) == 1
