"""Where a machine keeps its key. That Windows encrypts it is shown there: see tests/windows."""

from pathlib import Path

import pytest

from connector.wire import keys
from workers import keeping
from workers.errors import GiveUp


def test_a_machine_makes_its_key_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "machine.key"
    (first,) = keeping.ring_or_new(file)
    assert keeping.ring_or_new(file) == (first,)
    assert [each.name for each in file.parent.iterdir()] == ["machine.key"]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_ring_is_read_as_it_was_kept(tmp_path: Path) -> None:
    ring = (keys.generate(), keys.generate())
    keeping.keep_ring(tmp_path / "machine.key", ring)
    assert keeping.ring(tmp_path / "machine.key") == ring


@pytest.mark.parametrize("content", [None, b"", b"rapidstart-key-1 AAAA\n", b"\xff\xfe", "rapidstart-key-1 \u00e4\n".encode()])
def test_a_key_that_cannot_be_read_is_told_without_folder_or_content(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "machine.key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(keys.KeyUnreadable, match=r"^the key file machine\.key .*\.$") as refused:
        keeping.ring(file)
    assert str(tmp_path) not in str(refused.value)


def test_a_key_that_cannot_be_kept_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "machine.key").mkdir()
    (tmp_path / "machine.key" / "x").touch()
    with pytest.raises(GiveUp, match=r"machine\.key cannot be written"):
        keeping.keep_ring(tmp_path / "machine.key", (keys.generate(),))
    assert [each.name for each in tmp_path.iterdir()] == ["machine.key"]
