"""Keys: their text, their fingerprint, and the file that they lie in."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire import keys

SEED = bytes(range(32))


def test_a_seed_always_stands_for_the_same_keys() -> None:
    """What a machine was registered with must be what tomorrow's version makes of its file."""
    mine = keys.Private(SEED).public
    assert mine.text == "9+xD7Pb5Q3/Opyt8XpGW48IVCOToB4gzos7zynT4BoXTqn+UcelLpyuNmKVjrn8Ca20l0jMx+2ZLZ8jF+fJkbg=="
    assert mine.fingerprint == "124b-b542-a0f8-7169"


@given(st.binary(min_size=32, max_size=32))
def test_the_text_of_a_public_key_names_it(seed: bytes) -> None:
    mine = keys.Private(seed).public
    assert keys.Public.of_text(f" {mine.text}\n") == mine
    assert len(mine.text) == 88


@pytest.mark.parametrize(
    "text",
    ["", "abc", "ä" * 88, "A" * 88 + "=", keys.Private(bytes(32)).public.text[:-4]],
    ids=["nothing", "short", "no letters of it", "long", "cut"],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(keys.KeyUnreadable):
        keys.Public.of_text(text)


def test_no_two_keys_are_alike_and_neither_are_their_halves() -> None:
    one, other = keys.generate(), keys.generate()
    assert one.public != other.public
    assert one.public.fingerprint != other.public.fingerprint
    assert len({bytes(one.signs), bytes(one.opens), one.seed}) == 3


def test_a_private_key_shows_nothing_of_itself() -> None:
    mine = keys.Private(SEED)
    assert str(SEED) not in repr(mine)
    assert SEED.hex() not in repr(mine)
    assert "seed" not in repr(mine)


def test_a_ring_is_read_as_it_was_written_and_is_for_its_owner_alone(tmp_path) -> None:
    ring = (keys.generate(), keys.generate())
    path = tmp_path / "deep" / "machine.key"
    keys.save(path, ring)
    assert keys.load(path) == ring
    assert [each.name for each in path.parent.iterdir()] == ["machine.key"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_kept(tmp_path) -> None:
    path = tmp_path / "machine.key"
    (first,) = keys.load_or_create(path)
    assert keys.load_or_create(path) == (first,)


@pytest.mark.parametrize("content", [b"", b"rapidstart-key-1 AAAA\n", b"something else\n", b"\xff\xfe", b"rapidstart-key-1 ?\n"])
def test_a_broken_file_is_refused_in_one_sentence_without_its_content(tmp_path, content: bytes) -> None:
    path = tmp_path / "machine.key"
    path.write_bytes(content)
    with pytest.raises(keys.KeyUnreadable, match=r"^the key file machine\.key .*\.$") as refused:
        keys.load(path)
    assert str(tmp_path) not in str(refused.value)


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing_behind(tmp_path) -> None:
    (tmp_path / "machine.key").mkdir()
    (tmp_path / "machine.key" / "x").touch()
    with pytest.raises(keys.KeyUnreadable, match="cannot be written"):
        keys.save(tmp_path / "machine.key", (keys.generate(),))
    assert [each.name for each in tmp_path.iterdir()] == ["machine.key"]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4))
def test_the_text_of_a_ring_is_the_ring(seeds: list[bytes]) -> None:
    ring = tuple(keys.Private(seed) for seed in seeds)
    assert keys.of_text(keys.text(ring), name="machine.key") == ring


@given(st.text())
def test_what_is_no_ring_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(keys.KeyUnreadable, match=r"^the key file machine\.key .*\.$"):
        keys.of_text(f"rapidstart-key-1 {text}", name="machine.key")
