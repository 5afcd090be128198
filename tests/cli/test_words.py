import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cli import bars, config, exits, folders, front, words
from connector.errors import PackageRefused


def job(**changes):
    rows = dict.fromkeys(("total", *words.OUTCOMES), 0) | changes.pop("rows", {})
    plain = {"id": "JB-7Q2K", "kind": "load", "state": "running", "reason": "", "code": "", "planned": True, "rows": rows}
    return plain | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "succeeded"}, 0),
        ({"state": "running", "rows": {"failed": 1}}, 0),
        ({"state": "succeeded", "rows": {"skipped": 1}}, 1),
        ({"state": "partly_succeeded"}, 1),
        ({"state": "failed", "planned": True}, 1),
        ({"state": "failed", "planned": False, "code": "RSC-2200"}, 3),
        ({"state": "failed", "planned": False, "code": "RSC-4000"}, 4),
        ({"state": "failed", "kind": "test"}, 4),
        ({"state": "failed", "kind": "preview"}, 1),
        ({"state": "partly_succeeded", "kind": "preview"}, 1),
        ({"state": "cancelled", "planned": False}, 5),
    ],
)
def test_exit_codes_of_jobs(changes, code):
    assert exits.of_job(job(**changes)) == code


def test_headlines():
    assert words.headline(job(rows={"total": 8412, "created": 3098, "failed": 2})) == (
        "JB-7Q2K running: 3,100 of 8,412 rows, 2 failed"
    )
    assert words.headline(job(state="waiting", planned=False, reason="waiting: AOS-1 is paused.")) == (
        "JB-7Q2K waiting: AOS-1 is paused"
    )
    assert words.headline(job(state="queued", planned=False)) == "JB-7Q2K queued"
    assert words.headline(job(state="paused", planned=False, reason="paused")) == "JB-7Q2K paused"


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (0.55, "0.6 s"), (131, "02:11"), (3849, "1:04:09")])
def test_spans(seconds, text):
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("redis://user:s3cret@host:6379/0", "redis://user:***@host:6379/0"),
        ("redis://:p@ss@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql+psycopg://u:p@[::1]/db", "postgresql+psycopg://u:***@[::1]/db"),
        ("http://127.0.0.1:8480", "http://127.0.0.1:8480"),
        (None, None),
        (5, 5),
    ],
)
def test_passwords_in_settings_are_hidden(value, shown):
    assert config.masked(value) == shown


@pytest.mark.parametrize(("length", "shown"), [(200, "x" * 200 + "'"), (201, "x" * 200 + "…")])
def test_a_very_long_cell_is_cut_where_it_is_printed(length, shown):
    assert words.cell({"field": "Name", "column": "Name", "value": "x" * length}) == f"Name = '{shown}"


@given(st.text())
def test_printed_text_steers_no_terminal(text):
    assert all(character.isprintable() for character in front.printable(text))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_plain_text_is_printed_as_it_is(text):
    assert front.printable(text) == text


@given(states=st.lists(st.sampled_from(["queued", "running", "succeeded", "failed"])), room=st.integers(1, 30))
def test_the_steps_at_work_are_seen_first(states, room):
    steps = [{"no": no, "state": state} for no, state in enumerate(states)]
    shown = bars.visible(steps, room=room)

    assert len(shown) == min(room, len(steps))
    assert [step["no"] for step in shown] == sorted(step["no"] for step in shown)
    hidden = [step for step in steps if step not in shown]
    assert not (any(s["state"] == "running" for s in hidden) and any(s["state"] != "running" for s in shown))


def test_the_same_folder_is_the_same_zip(tmp_path):
    digests = []
    for name, order in (("one", "ab"), ("two", "ba")):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        for letter in order:
            (folder / "sub" / f"{letter}.csv").write_text(f"{letter}\n")
        (folder / ".hidden").write_text(name)
        os.utime(folder / "sub" / "a.csv", (1, 1) if name == "one" else (2e9, 2e9))
        with folders.as_file(folder) as (path, _):
            digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
            assert folders.digest(path) == digests[-1]
    assert digests[0] == digests[1]
    assert not path.exists()


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(PackageRefused, match="holds no file"), folders.as_file(tmp_path):
        pass


def test_one_worker_is_not_called_workers():
    endpoint = {"scale": {"workers": 1, "concurrency": 1}, "crews": []}
    assert words.scaled(endpoint) == "1 worker, 1 call at once each wished"
