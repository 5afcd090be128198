import json
import os
import subprocess
import sys

import click
import pytest

from connector.cli import app

HEAVY = {
    "celery",
    "kombu",
    "redis",
    "zeep",
    "sqlalchemy",
    "alembic",
    "fastapi",
    "uvicorn",
    "rich",
    "requests",
    "pydantic",
    "lxml",
}


def imported_by(*arguments):
    """Top-level names of the modules that a command line imports."""
    script = (
        "import json, sys\nfrom connector.cli import app\n"
        f"app.run({list(arguments)!r})\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["load", "--help"], ["job", "--help"], ["endpoint", "add", "--help"], ["package", "--help"]]
)
def test_help_imports_no_heavy_library(arguments):
    assert imported_by(*arguments) & HEAVY == set()


def test_the_detector_of_heavy_libraries_works():
    assert "pydantic" in imported_by("config", "--json")


def test_every_command_can_be_reached_and_says_what_it_does():
    group = app.rapidstart
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None, name
        assert command.name == name
        for verb in command.commands.values() if isinstance(command, click.Group) else [command]:
            assert verb.help, f"{name} {verb.name}"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["load"], ["job", "show"], ["endpoint", "add", "A1"], ["load", "no-such-file"]]
)
def test_a_wrong_command_line_ends_with_2(run, arguments):
    ran = run(*arguments)
    assert ran.code == 2
    assert "Error:" in ran.err


def test_the_module_can_be_run():
    done = subprocess.run(
        [sys.executable, "-m", "connector", "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "rapidstart, version 0.1.0\n")


def test_a_pipe_that_knows_few_characters_ends_nothing(tmp_path):
    file = tmp_path / "CustGroup.csv"
    file.write_text("CustGroup,Name\n10,Größe ✓\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "RAPIDSTART_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "connector", "package", "inspect", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gr??e ?" in done.stdout
