"""What the product offers is in its documents: a command, setting, state or name that is missing there fails here."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from connector.cli.app import rapidstart
from connector.cli.exits import Exit
from connector.ledger.attempts import BatchState
from connector.ledger.jobs import JobState
from connector.plan.mapping import ClassMapping, Parent, StructureMapping, TableMapping
from connector.settings import Settings
from connector.wire import jobs, reports, routes
from workers.cli import main as worker
from workers.settings import DixfSettings, FilePortSettings
from workers.settings import Settings as WorkerSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BOOK = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, f"{path} {name} is listed and cannot be loaded"
        yield from commands(found, f"{path} {name}")


COMMANDS = dict([*commands(rapidstart, "rapidstart"), *commands(worker, "rapidstart-worker")])


def mentions(text: str, word: str) -> bool:
    """Whether the word stands in the text as a whole, in code."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_in_the_readme(path: str) -> None:
    assert mentions(README, path)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_explains_itself(path: str) -> None:
    command = COMMANDS[path]
    assert command.help
    unexplained = [p.name for p in command.params if isinstance(p, click.Option) and not (p.help or p.hidden)]
    assert [name for name in unexplained if name != "mode"] == []  # its choices say it


def test_every_command_that_the_documents_show_exists() -> None:
    shown = re.findall(
        r"(?m)^(?:docker compose exec dispatcher )?(rapidstart(?:-worker)? [a-z][a-z-]*(?: [a-z][a-z-]*)?)", README + BOOK
    )
    shown += re.findall(r"`(rapidstart(?:-worker)? [a-z][a-z-]*(?: [a-z][a-z-]*)?)", README + BOOK)
    unknown = {text for text in shown if not any(f"{text} ".startswith(f"{path} ") or path == text for path in COMMANDS)}
    assert {text for text in unknown if " ".join(text.split()[:2]) not in COMMANDS} == set()


@pytest.mark.parametrize("name", [*Settings.model_fields, *WorkerSettings.model_fields])
def test_every_setting_is_in_the_operators_book_and_explains_itself(name: str) -> None:
    assert mentions(BOOK, f"RAPIDSTART_{name.upper()}")
    field = (Settings.model_fields | WorkerSettings.model_fields)[name]
    assert field.description


def test_every_setting_that_the_documents_name_exists() -> None:
    known = {f"RAPIDSTART_{name.upper()}" for name in [*Settings.model_fields, *WorkerSettings.model_fields]}
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"RAPIDSTART_[A-Z_]*[A-Z]", README + BOOK + compose))
    assert named - known - {"RAPIDSTART_BROKER_PASSWORD", "RAPIDSTART_AOS"} == set()


MAPPING = [TableMapping, StructureMapping, Parent, ClassMapping]


@pytest.mark.parametrize("word", sorted({field.alias or name for model in MAPPING for name, field in model.model_fields.items()}))
def test_every_word_of_the_mapping_is_in_the_readme(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", README)


@pytest.mark.parametrize("name", sorted({*FilePortSettings.model_fields, *DixfSettings.model_fields}))
def test_every_setting_of_a_folder_is_in_the_operators_book(name: str) -> None:
    assert re.search(rf"(?m)^{name} = ", BOOK)


@pytest.mark.parametrize("state", [*JobState])
def test_every_job_state_is_in_both_documents(state: JobState) -> None:
    assert f"`{state.value}`" in README
    assert f"`{state.value}`" in BOOK


@pytest.mark.parametrize("state", [*BatchState])
def test_every_batch_state_is_in_the_operators_book(state: BatchState) -> None:
    assert f"`{state.value}`" in BOOK


@pytest.mark.parametrize("word", [*reports.OUTCOME_WORDS.values()])
def test_every_outcome_is_in_the_readme(word: str) -> None:
    assert mentions(README, word)


@pytest.mark.parametrize("code", [*Exit])
def test_every_exit_code_is_in_the_readme(code: Exit) -> None:
    assert re.search(rf"(?m)^\| {int(code)} \|", README)


def test_every_queue_key_and_task_is_in_the_operators_book() -> None:
    names = [
        routes.queue("<endpoint>"),
        routes.report_stream("<endpoint>"),
        routes.reply_key("<endpoint>", "<id>"),
        routes.EPOCH_KEY,
        routes.BROKER_FILE,
        *jobs.WORK,
    ]
    assert [name for name in names if name not in BOOK] == []


def test_ci_runs_the_test_line_of_the_readme_word_for_word() -> None:
    (line,) = re.findall(r"(?m)^(python3 -m venv .*pytest -n 4)$", README)
    assert line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_demo_line_of_the_readme_sets_everything_up_itself() -> None:
    (line,) = re.findall(r"(?m)^(python3 -m venv .*rapidstart demo)$", README)
    assert "pip install -q ." in line
    assert "rapidstart" in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
