"""What the install script of the offline bundle says where it cannot do its work. That it installs is tried in tests/windows."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "windows" / "install.py"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Whole by its looks."""
    folder = tmp_path / "bundle"
    for name in ("python", "wheels", "pip"):
        (folder / name).mkdir(parents=True)
    (folder / "python" / "python.exe").touch()
    (folder / "LICENSE.txt").write_text("MIT License")
    (folder / "bundle.json").write_text('{"version": "1.0"}')
    (folder / "requirements.txt").touch()
    shutil.copy(SCRIPT, folder)
    return folder


def call(bundle: Path, *options: str | Path) -> tuple[int, str]:
    command = [sys.executable, bundle / "install.py", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_bundle_that_was_not_unpacked_whole_is_refused(bundle: Path, tmp_path: Path) -> None:
    (bundle / "wheels").rmdir()
    code, said = call(bundle, "--accept-licence", "--folder", tmp_path / "there")
    assert (code, "has no wheels" in said, "Unpack the whole zip anew" in said) == (1, True, True)
    assert not (tmp_path / "there").exists()


def test_who_does_not_answer_has_not_accepted_the_licence(bundle: Path) -> None:
    code, said = call(bundle)
    assert (code, "MIT License" in said, "--accept-licence" in said) == (1, True, True)


def test_a_folder_that_cannot_be_written_is_told_and_left_as_it_was(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("a file stands in the way")
    code, said = call(bundle, "--accept-licence", "--folder", tmp_path / "there")
    assert (code, "nothing was installed" in said, "--folder" in said) == (1, True, True)


def test_there_is_nothing_to_go_back_to(bundle: Path, tmp_path: Path) -> None:
    code, said = call(bundle, "--rollback", "--folder", tmp_path)
    assert (code, "no version" in said, "--folder" in said) == (1, True, True)


def test_a_broken_record_of_versions_is_told(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "installed.json").write_text("{")
    for option in ("--rollback", "--accept-licence"):
        code, said = call(bundle, option, "--folder", tmp_path)
        assert (code, "installed.json cannot be read" in said) == (1, True)
    assert not (tmp_path / "1.0").exists()


def test_a_command_that_cannot_be_written_is_told(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "1.0").mkdir()
    (tmp_path / "1.0" / "python.exe").touch()
    (tmp_path / "installed.json").write_text('{"current": "1.1", "previous": "1.0"}')
    (tmp_path / "rapidstart-worker.cmd").mkdir()
    code, said = call(bundle, "--rollback", "--folder", tmp_path)
    assert (code, "rapidstart-worker.cmd cannot be written" in said, "administrator" in said) == (1, True, True)
