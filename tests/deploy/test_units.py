"""The units of systemd are ones that it takes and finds safe, and everything that is needed comes as a wheel."""

import os
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
def test_a_unit_runs_without_rights_and_writes_to_its_home_alone(unit):
    lines = unit.read_text(encoding="utf-8").splitlines()
    assert {"User=rapidstart", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "Restart=always"} <= set(lines)
    told = dict(line.split("=", 1) for line in lines if line.startswith(("StateDirectory=", "ReadWritePaths=")))
    assert told in ({"StateDirectory": "rapidstart"}, {})  # that is /var/lib/rapidstart; Flower has none


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_finds_the_unit_safe(unit):
    """From 0 to 10: below 2 as it counts it, where a service that says nothing has 9.6."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    done = subprocess.run(
        [analyze, "security", "--no-pager", "--offline=true", "--threshold=20", unit], capture_output=True, text=True, check=False
    )
    if "Failed to set up mount namespacing" in done.stderr or "unrecognized option" in done.stderr:
        pytest.skip("this systemd cannot look at a unit that is not installed")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.mark.slow
def test_a_whole_load_makes_no_call_of_the_system_that_the_units_forbid(tmp_path):
    """Embedded broker, dispatcher and workers, by what strace sees."""
    analyze, strace = shutil.which("systemd-analyze"), shutil.which("strace")
    if analyze is None or strace is None:
        pytest.skip("systemd or strace is not installed")
    (filters,) = {tuple(re.findall(r"(?m)^SystemCallFilter=(.*)$", unit.read_text(encoding="utf-8"))) for unit in UNITS}
    assert filters == ("@system-service", "~@privileged @resources")
    allowed = calls(analyze, "@system-service") - calls(analyze, "@privileged") - calls(analyze, "@resources")
    told = tmp_path / "calls"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPIDSTART_")}
    subprocess.run(
        [strace, "-f", "-qq", "-c", "-U", "name", "-o", told, sys.executable, "-m", "connector", "demo", "--once", "--json"],
        env=clean | {"RAPIDSTART_HOME": str(tmp_path / "home")}, cwd=ROOT, capture_output=True, timeout=150, check=False,
    )  # fmt: skip
    made = set(re.findall(r"(?m)^[a-z_0-9]+$", told.read_text())) - {"syscall", "total"}
    assert "epoll_wait" in made
    as_root = {"fchown"} if os.geteuid() == 0 else set()  # SQLite gives root's files to the owner of the ledger
    assert made - allowed - as_root == set()


def calls(analyze, name):
    """The calls of one of systemd's sets, with those of the sets in it."""
    listed = subprocess.run([analyze, "syscall-filter", name], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    words = [line.strip() for line in listed if line.strip() and not line.strip().startswith("#")]
    return {call for word in words for call in (calls(analyze, word) if word.startswith("@") else {word})}


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
