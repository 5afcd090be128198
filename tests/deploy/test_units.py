"""The units of systemd are ones that it takes, and the image can be built of wheels alone."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_takes_the_unit(unit, tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    text = re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", unit.read_text(encoding="utf-8"))
    tried = tmp_path / unit.name
    tried.write_text(text, encoding="utf-8")
    done = subprocess.run([analyze, "verify", "--man=no", tried], capture_output=True, text=True, check=False)
    mine = [line for line in done.stderr.splitlines() if unit.name in line]
    assert mine == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_without_rights(unit):
    text = unit.read_text(encoding="utf-8")
    for line in ("User=rapidstart", "NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=always"):
        assert line in text


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_everything_comes_as_a_wheel(system, version, tmp_path):
    """On every system and Python that is promised; what must be compiled is for the extra `kerberos` alone."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("uv is not installed")
    command = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "--python-platform",
        system,
        "--python-version",
        version,
        "--only-binary",
        ":all:",
    ]
    command += ["--extra", "postgresql", "--extra", "nettcp", "--output-file", str(tmp_path / "set.txt"), "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    if re.search(r"error sending request|dns error|Failed to fetch|Connection refused", done.stderr):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert "celery==" in (tmp_path / "set.txt").read_text(encoding="utf-8")
