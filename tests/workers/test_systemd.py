"""Services of systemd: what is written, what systemctl is told, and that systemd takes the units as they are."""

import shutil
import subprocess
from pathlib import Path

import pytest

from workers.errors import GiveUp
from workers.service.definition import Definition, State
from workers.service.systemd import TEMPLATE, Systemd, unit

_SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$0.calls"
case "$*" in
  *bad*) echo "Failed: no such thing" >&2; exit 5 ;;
  show*) cat "$0.state" 2>/dev/null || echo inactive ;;
esac
"""


def defined(home: Path, instance: str = "AX60_ONE", **more) -> Definition:
    return Definition(endpoint="A1", instance=instance, home=home, grace_s=120, **more)


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """A systemctl that writes down what it is told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(_SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return program


@pytest.fixture
def units(tmp_path):
    folder = tmp_path / "units"
    folder.mkdir()
    return folder


def calls(program: Path) -> list[str]:
    return Path(f"{program}.calls").read_text().splitlines()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this computer")
@pytest.mark.parametrize("home", ["/var/lib/rapidstart", "/var/lib/rapid start 100%"])
def test_systemd_finds_no_fault_with_the_template(tmp_path, home):
    (tmp_path / TEMPLATE).write_text(unit(defined(Path(home))))
    filled = tmp_path / "rapidstart-worker@AX60_ONE.service"
    filled.symlink_to(tmp_path / TEMPLATE)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", filled], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "rapidstart-worker@" in line] == []


def test_workers_are_given_their_whole_grace_to_end(tmp_path):
    assert "TimeoutStopSec=150" in unit(defined(tmp_path))


def test_install_makes_an_instance_that_starts_with_the_computer(systemctl, units, tmp_path):
    Systemd(units).install(defined(tmp_path, account="svc"))
    assert "--instance %i" in (units / TEMPLATE).read_text()
    assert "User=svc" in (units / "rapidstart-worker@AX60_ONE.service.d" / "own.conf").read_text()
    assert calls(systemctl) == ["daemon-reload", "enable --quiet rapidstart-worker@AX60_ONE.service"]


def test_two_instances_share_the_template_and_the_last_takes_it_away(systemctl, units, tmp_path):
    system = Systemd(units)
    for instance in ("ONE", "TWO"):
        system.install(defined(tmp_path, instance))
    system.uninstall("ONE")
    assert (units / TEMPLATE).exists()
    assert (system.status("ONE"), system.status("TWO")) == (State.MISSING, State.STOPPED)
    system.uninstall("TWO")
    assert list(units.iterdir()) == []


def test_a_service_of_another_installation_is_told_from_ours(systemctl, units, tmp_path):
    system = Systemd(units)
    system.install(defined(tmp_path))
    Path(f"{systemctl}.state").write_text("active\n")
    (found,) = system.found()
    assert (found.is_ours, found.state) == (True, State.RUNNING)
    text = (units / TEMPLATE).read_text()
    command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    (units / TEMPLATE).write_text(text.replace(command, "ExecStart=/opt/old/bin/python -m workers service run"))
    (found,) = system.found()
    assert not found.is_ours
    system.move(defined(tmp_path))
    assert system.found()[0].is_ours
    system.remove(found)
    assert system.found() == []


def test_what_systemctl_refuses_is_told(systemctl, units):
    with pytest.raises(GiveUp, match="no such thing"):
        Systemd(units).start("bad")


def test_a_computer_without_systemd_is_told_what_to_do(monkeypatch, tmp_path, units):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GiveUp) as refused:
        Systemd(units).start("ONE")
    assert "service run" in refused.value.advice
