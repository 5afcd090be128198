"""The simulator shares no code with what it is there to test."""

import subprocess
import sys
from pathlib import Path


def test_it_imports_nothing_of_ours() -> None:
    code = "import sys, workers.simulator.command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    modules = done.stdout.split()
    ours = {name for name in modules if name.split(".")[0] in {"connector", "workers"}}
    assert {name for name in ours if name != "workers" and not name.startswith("workers.simulator")} == set()
    assert {"zeep", "celery", "requests", "pydantic"} & set(modules) == set()
