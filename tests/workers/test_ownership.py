"""Two accounts on one Linux computer: each reaches the folder of its own endpoint, and nothing of the other one's."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from workers import instances, keeping
from workers.errors import GiveUp
from workers.service import ownership

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has lists of rights instead")
FILES = ("machine.key", "broker.login", "policy.toml", "logs/service.log", "spool/1.jsonl")


def modes(folder):
    """The rights of a folder and of all that it holds."""
    return {stat.S_IMODE(each.lstat().st_mode) for each in (folder, *folder.rglob("*")) if not each.is_symlink()}


@pytest.fixture
def home():
    """A folder that every account may enter: that of tests is the tester's own."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def filled(home, name):
    """The folder of an endpoint, as loose as a careless hand leaves it."""
    folder = home / "endpoints" / name
    for file in FILES:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("secret")
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o777 if each.is_dir() else 0o666)
    return folder


def test_a_worker_makes_its_folder_its_own_when_it_starts(tmp_path):
    folder = filled(tmp_path, "a")
    keeping.narrow(folder)
    assert modes(folder) == {0o700, 0o600}
    keeping.narrow(tmp_path / "endpoints" / "new")
    assert modes(tmp_path / "endpoints" / "new") == {0o700}


def test_what_lies_elsewhere_is_left_alone(tmp_path):
    shared = tmp_path / "shared.txt"
    shared.write_text("for all")
    shared.chmod(0o644)
    folder = filled(tmp_path, "a")
    (folder / "link").symlink_to(shared)
    keeping.narrow(folder)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o644


def test_settings_of_an_endpoint_are_its_own_and_those_of_the_computer_are_for_all(tmp_path):
    before = os.umask(0o022)
    try:
        own = instances.write(tmp_path, "A1", {"concurrency": 2})
        general = instances.write(tmp_path, None, {"concurrency": 2})
    finally:
        os.umask(before)
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert stat.S_IMODE(own.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(general.stat().st_mode) == 0o644
    assert not list(tmp_path.glob("*.toml.*"))


def reads(account, file):
    """Whether an account can read a file."""
    done = subprocess.run(["cat", str(file)], user=account, group=account, extra_groups=[], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives folders away")
def test_each_account_reads_its_own_endpoint_alone(home):
    accounts = {"a": "daemon", "b": "mail"}
    folders = {name: filled(home, name) for name in accounts}
    outside = home / "outside"
    outside.write_text("of root")
    outside.chmod(0o600)
    (folders["a"] / "link").symlink_to(outside)
    os.link(outside, folders["a"] / "another-name")
    for name, account in accounts.items():
        ownership.hand_over(folders[name], account=account)
    for name, account in accounts.items():
        other = "ab".replace(name, "")
        assert modes(folders[name]) == {0o700, 0o600}
        assert [reads(account, folders[name] / file) for file in FILES] == [True] * len(FILES)
        assert [reads(account, folders[other] / file) for file in FILES] == [False] * len(FILES)
    assert outside.stat().st_uid == 0, "whoever owns the folder is given nothing else by a link in it"
    with pytest.raises(GiveUp, match="no account nobody-of-that-name"):
        ownership.hand_over(folders["a"], account="nobody-of-that-name")
