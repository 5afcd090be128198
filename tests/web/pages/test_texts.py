"""English in one place: `texts.toml` holds every text of every page, and templates hold none of their own."""

import re
from importlib.resources import files

import pytest

from connector.ledger.jobs import JobKind, JobState
from connector.rights import Role
from connector.web.pages import drawing
from connector.wire.reports import OUTCOME_WORDS

PACKAGES = ("connector.web.pages", "connector.web.signin", "connector.web.activation")
#: What stands there as an example of what somebody types, in every language.
EXAMPLES = {"USMF", "BKTR-WDZM", "weekdays 20:00-06:00 Europe/Berlin"}


def templates():
    folders = [files("connector.web.pages").joinpath("templates"), *(files(each) for each in PACKAGES[1:])]
    return {each.name if n == 0 else f"{folder.name}/{each.name}": each.read_text()
            for n, folder in enumerate(folders) for each in folder.iterdir() if each.name.endswith(".html")}  # fmt: skip


def words_of(template):
    """What a template says by itself: between its tags, in what is read out or shown of them, and in texts within braces."""
    text = re.sub(r"\{#.*?#\}|<code>.*?</code>", " ", template, flags=re.DOTALL)
    within = "|".join(re.findall(r"\{[{%].*?[%}]\}", text, flags=re.DOTALL))
    text = re.sub(r"\{[{%].*?[%}]\}", "\0", text, flags=re.DOTALL)
    shown = re.findall(r'(?:aria-label|title|placeholder|alt|data-confirm)="([^"]*)"', text)
    between = re.sub(r'''<[^>]*>|[\w-]+="[^"]*"''', "\n", text).splitlines()
    quoted = re.findall(r""""([A-Z][a-z]+[^"]*)\"""", within) + re.findall(r"'([A-Z][a-z]+[^']*)'", within)
    found = [each.replace("\0", " ").strip() for each in (*between, *shown, *quoted)]
    return [each for each in found if re.search(r"[A-Za-z]{2,}", each) and each not in EXAMPLES]


@pytest.mark.parametrize("name", sorted(templates()))
def test_no_template_holds_a_text_of_its_own(name):
    allowed = {'title="rapidstart job retry {{ job.id }}"'}
    template = templates()[name]
    for each in allowed:
        template = template.replace(each, "")
    assert words_of(template) == []


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("<p>Sign in</p>", ["Sign in"]),
        ("<a title=\"Go on\">{{ t.a.b }}</a>", ["Go on"]),
        ("{{ x or \"Not told\" }}", ["Not told"]),
        ("<p>{{ t.a.b }}, partition {{ c }}</p>", [",   partition"]),
        ("{# Why #}<p class=\"muted\">{{ t.a.b }} <code>rapidstart load</code> – {{ 'small' }}</p>", []),
    ],
)  # fmt: skip
def test_a_text_of_its_own_is_noticed(template, told):
    assert [" ".join(each.split()) for each in words_of(template)] == [" ".join(each.split()) for each in told]


def test_every_text_that_a_template_names_is_there():
    texts = drawing.texts()
    for name, template in templates().items():
        for page_name, key in re.findall(r"\bt\.([a-z]+)\.([a-z_]+)", template):
            assert key in texts[page_name], f"{name}: {page_name}.{key}"


def test_every_text_is_used():
    shown = "".join(templates().values())
    code = "".join(
        each.read_text() for package in PACKAGES for each in files(package).iterdir() if each.name.endswith(".py")
    )  # fmt: skip
    kinds = {f"job.{kind}" for kind in JobKind}
    for page_name, told in drawing.texts().items():
        for key in told if page_name != "words" else ():
            by_name = f"t.{page_name}.{key}" in shown or re.search(rf'"{key}"[\],)]', code) or f"{page_name}.{key}" in kinds
            by_prefix = f't.{page_name}["{key.split("_")[0]}_" ~' in shown
            assert by_name or by_prefix, f"{page_name}.{key}"


def test_no_text_is_hidden_by_a_method_of_its_table():
    assert [f"{page_name}.{key}" for page_name, told in drawing.texts().items() for key in told if hasattr(dict, key)] == []


def test_every_state_outcome_kind_and_role_has_a_word():
    ours = {*JobState, *JobKind, *Role, *OUTCOME_WORDS.values(), "new", "online", "offline", "stopped", "paused"}
    assert set(drawing.texts()["words"]) == {str(each) for each in ours}
    assert drawing.words("partly_succeeded") == "partly succeeded"


@pytest.mark.parametrize(
    ("reason", "state", "told"), [("waiting: AOS is offline", "waiting", "AOS is offline"), ("x", "failed", "x")]
)
def test_why_is_told_without_the_state_that_stands_beside_it(reason, state, told):
    assert drawing.because(reason, state) == told
