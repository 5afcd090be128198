"""The offline bundle for Windows: what it is made of. Whether it installs is tried in tests/windows."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.windows.bundle", *map(str, options)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "python.zip"
    given.write_text("no zip")
    done = make("--out", tmp_path / "out", "--python", given)
    assert (done.returncode, "is no zip file" in done.stderr) == (1, True)


def test_another_version_of_python_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "python.zip"
    with zipfile.ZipFile(given, "w") as archive:
        archive.writestr("python.exe", "")
        archive.writestr("python313.dll", "")
    done = make("--out", tmp_path / "out", "--python", given)
    assert (done.returncode, "python312.dll is missing" in done.stderr) == (1, True)


def test_a_bundle_is_never_mixed_with_another_one(tmp_path: Path) -> None:
    given = tmp_path / "python.zip"
    given.write_text("no zip")
    make("--out", tmp_path / "out", "--python", given)
    assert "is there already" in make("--out", tmp_path / "out", "--python", given).stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("platform", ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
def test_everything_comes_as_wheels(tmp_path: Path, platform: str, version: str) -> None:
    lock = tmp_path / "lock.txt"
    target = ["--python-platform", platform, "--python-version", version, "--only-binary", ":all:"]
    command = [
        sys.executable,
        "-m",
        "uv",
        "-q",
        "pip",
        "compile",
        *target,
        "--extra",
        "nettcp",
        "pyproject.toml",
        "-o",
        str(lock),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and re.search(r"error sending request|dns error|Could not connect", done.stderr):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert ("pywin32==" in lock.read_text()) == ("windows" in platform)
