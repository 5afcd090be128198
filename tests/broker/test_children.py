"""Children end with the process that started them, whatever ends it."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from connector import children

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")

ROOT = Path(__file__).parents[2]


def eventually(condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "the condition did not come true in time"
        time.sleep(0.02)


def members(session: int) -> list[int]:
    """The living processes of a session; a zombie that nobody has collected does not live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _, _, sid = stat.read_text().rpartition(")")[2].split()[:4]
            if int(sid) == session and state not in "ZX":
                found.append(int(stat.parent.name))
    return found


def parent_of(child: str, tmp_path: Path, *, before: str = "") -> subprocess.Popen[str]:
    """A process that starts `child` (Python source) and prints its id."""
    source = textwrap.dedent(
        f"""
        import sys, threading
        from connector import children
        {before}
        def go():
            print(children.start([sys.executable, "-c", {child!r}], grace_s=1).pid, flush=True)
        thread = threading.Thread(target=go)
        thread.start()
        thread.join()
        sys.stdin.read()
        """
    )
    return subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ
    )


def started_pid(parent: subprocess.Popen[str]) -> int:
    assert parent.stdout is not None
    return int(parent.stdout.readline())


def test_a_child_runs_the_command_itself_and_its_output_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", "import os, sys; print(os.getpid(), os.environ['COLOUR'], sys.argv[1:])", "two words", ""]
    child = children.start(command, env={"COLOUR": "red"}, log=log)
    assert child.wait() == 0
    assert log.read_text() == f"{child.pid} red ['two words', '']\n"


def test_settings_are_not_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPIDSTART_BROKER_URL", "redis://elsewhere")
    monkeypatch.setenv("COLOUR", "blue")
    log = tmp_path / "log"
    source = "import os; print(os.environ['COLOUR'], os.environ['RAPIDSTART_HOME'], 'RAPIDSTART_BROKER_URL' in os.environ)"
    assert children.start([sys.executable, "-c", source], env={"RAPIDSTART_HOME": "here"}, log=log).wait() == 0
    assert log.read_text() == "blue here False\n"


def test_stop_asks_first_and_tells_the_exit_code(tmp_path: Path) -> None:
    log = tmp_path / "log"
    source = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(60)"
    child = children.start([sys.executable, "-c", source], log=log)
    eventually(lambda: log.read_text() == "up\n")
    assert child.alive()
    assert child.stop() == 7
    assert not child.alive()
    assert child.stop() == 7
    eventually(lambda: not members(child.pid))


def test_stop_kills_what_does_not_listen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    source = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = children.start([sys.executable, "-c", source], log=log)
    eventually(lambda: log.read_text() == "up\n")
    assert child.stop(timeout_s=0.1) == -signal.SIGKILL


def test_a_child_ends_with_a_killed_parent_and_leaves_no_guard(tmp_path: Path) -> None:
    """The thread that started it has long ended by then: that alone must not end the child."""
    parent = parent_of("import time; time.sleep(60)", tmp_path)
    pid = started_pid(parent)
    eventually(lambda: len(members(pid)) == 2)
    parent.kill()
    parent.wait()
    eventually(lambda: not members(pid))


def test_a_child_that_does_not_listen_ends_with_a_killed_parent_too(tmp_path: Path) -> None:
    told = tmp_path / "told"
    source = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(told)!r}, 'w').close(); time.sleep(60)"
    parent = parent_of(source, tmp_path)
    pid = started_pid(parent)
    eventually(told.exists)
    parent.kill()
    parent.wait()
    eventually(lambda: not members(pid))


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    parent = parent_of("import time; time.sleep(60)", tmp_path)
    pid = started_pid(parent)
    eventually(lambda: pid in members(pid))
    parent.communicate("", timeout=10)
    eventually(lambda: not members(pid))


def test_children_do_not_hold_each_other_open(tmp_path: Path) -> None:
    """A second child must not inherit the pipe that the first one's guard watches."""
    first = "import time; time.sleep(60)"
    other = f"children.start([sys.executable, '-c', {first!r}], grace_s=1)"
    parent = parent_of(first, tmp_path, before=f"before = {other}; print(before.pid, flush=True)")
    pids = [started_pid(parent), started_pid(parent)]
    parent.kill()
    parent.wait()
    eventually(lambda: not members(pids[0]) and not members(pids[1]))
