"""The manner of the code, where a linter has no rule for it."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "connector").rglob("*.py"), *(ROOT / "workers").rglob("*.py")])
LINES_OF_A_FILE = 400
LINES_OF_A_BODY = 40

#: The settings, and the one place that hands an environment on to a child.
ENVIRONMENT = {"connector/settings.py", "workers/settings.py", "connector/children.py"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a body without its docstring and without the functions inside of it."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    inner = sum(
        (node.end_lineno or 0) - node.lineno + 1
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 - inner if body else 0


def test_files_fit_a_readers_head() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > LINES_OF_A_FILE} == {}


def test_functions_fit_a_screen() -> None:
    lengths = {
        f"{named(path)}:{node.name}": body_lines(node)
        for path in SOURCES
        if path.parent.name != "versions"  # a migration lists what it makes, and is never read again
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > LINES_OF_A_BODY} == {}


def test_the_environment_is_read_in_settings_alone() -> None:
    texts = {named(path): path.read_text(encoding="utf-8") for path in SOURCES if named(path) not in ENVIRONMENT}
    assert [name for name, text in texts.items() if "os.environ" in text or "getenv" in text] == []


def test_no_room_is_named_for_what_it_is_not() -> None:
    vague = {"utils", "util", "common", "helpers", "helper", "core", "base", "manager", "managers", "misc"}
    assert [named(path) for path in SOURCES if vague & {path.stem, path.parent.name}] == []


def test_the_letterbox_imports_nothing_of_either_house() -> None:
    for path in (ROOT / "connector" / "wire").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert not module.startswith(("connector", "workers")) or module.startswith("connector.wire"), named(path)
