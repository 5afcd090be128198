"""Messages of every version that was ever released are still read: files here are added, never changed."""

from pathlib import Path

import pytest

from connector.wire import codec, jobs, reports

GOLDEN = Path(__file__).parent / "golden"
KINDS = jobs.WORK | jobs.ANSWERS | reports.REPORTS


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_old_message_is_read(path):
    message = codec.decode(path.read_text(encoding="utf-8"), KINDS)
    assert path.stem.startswith(f"v{message.v}-{message.KIND}")


def test_every_kind_has_a_golden_file():
    assert {path.stem for path in GOLDEN.glob("*.json")} >= {f"v1-{kind}" for kind in KINDS}
