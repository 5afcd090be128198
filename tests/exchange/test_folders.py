"""A file appears whole or not at all, and whether it was handed over can be told."""

import pytest

from workers.errors import GiveUp
from workers.exchange import Folder


def test_a_prepared_file_is_not_seen_before_it_is_handed_over(tmp_path):
    inbound = tmp_path / "in"
    inbound.mkdir()
    folder = Folder(inbound, title="file port P")
    folder.prepare("a.xml", b"one")
    assert folder.is_prepared("a.xml")
    assert list(inbound.iterdir()) == []
    folder.hand_over("a.xml")
    assert not folder.is_prepared("a.xml")
    assert (inbound / "a.xml").read_bytes() == b"one"


def test_a_folder_that_is_not_there_is_told_without_its_path(tmp_path):
    folder = Folder(tmp_path / "secret-place", title="file port P")
    with pytest.raises(GiveUp, match="file port P") as told:
        folder.prepare("a.xml", b"one")
    assert "secret-place" not in told.value.message
    assert not (tmp_path / "secret-place.writing").exists()


def test_answers_are_read_by_pattern(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    folder = Folder(tmp_path / "in", title="P", outbound=tmp_path / "out")
    (tmp_path / "out" / "b.xml").write_bytes(b"<a/>")
    assert list(folder.answers("*.xml")) == ["b.xml"]
    assert folder.answer("b.xml") == b"<a/>"
    assert Folder(tmp_path / "in", title="P").answers("*") == {}
