"""Several endpoints on one computer: each has settings of its own over those of the computer, and is found by either name."""

import tomllib

import pytest

from workers import instances
from workers.errors import GiveUp
from workers.instances import Instance
from workers.settings import Settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("RAPIDSTART_ENDPOINT", raising=False)
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path))
    (tmp_path / "worker.toml").write_text('# of all\nconcurrency = 2\nmax_workers = 3\nbroker_url = "redis://here/0"\n')
    instances.write(tmp_path, "A1", {"endpoint": "A1", "instance": "AX60_ONE", "concurrency": 7})
    instances.write(tmp_path, "A2", {"endpoint": "A2", "instance": "AX60_TWO", "broker_url": "redis://there/0"})
    return tmp_path


def test_the_endpoints_file_goes_before_that_of_the_computer(home):
    one, two = Settings(endpoint="A1"), Settings(endpoint="a2")
    assert (one.concurrency, one.max_workers, one.broker_url) == (7, 3, "redis://here/0")
    assert (two.concurrency, two.broker_url) == (2, "redis://there/0")
    assert Settings().concurrency == 2


def test_the_environment_goes_before_both(home, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_CONCURRENCY", "9")
    assert Settings(endpoint="A1").concurrency == 9


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_endpoint_that_is_meant_when_none_is_named_has_its_settings_too(home, monkeypatch, where):
    if where == "environment":
        monkeypatch.setenv("RAPIDSTART_ENDPOINT", "A1")
    else:
        instances.write(home, None, {"endpoint": "A1"})
    assert (Settings().endpoint, Settings().concurrency) == ("A1", 7)


def test_a_home_that_a_command_names_is_the_one_that_is_read(home, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    instances.write(other, "A1", {"concurrency": 5})
    assert Settings(endpoint="A1", home=other).concurrency == 5


def test_a_name_that_leads_elsewhere_names_no_file(home):
    (home / "worker2.toml").write_text("")
    assert Settings(endpoint="../..").concurrency == 2


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"endpoint": "a1"}, ("A1", "AX60_ONE")),
        ({"instance": "ax60_two"}, ("A2", "AX60_TWO")),
        ({"endpoint": "NEW"}, ("NEW", "NEW")),
        ({"endpoint": "NEW", "instance": "I9"}, ("NEW", "I9")),
    ],
)
def test_an_instance_is_found_by_either_name(home, said, found):
    asked = {"endpoint": None, "instance": None} | said
    assert instances.find(home, **asked) == Instance(endpoint=found[0], name=found[1])


@pytest.mark.parametrize("name", ["a b", "", "x" * 41, "a/b", "$x"])
def test_what_cannot_be_a_name_is_refused(home, name):
    with pytest.raises(GiveUp) as refused:
        instances.find(home, endpoint=name or None, instance=None)
    assert refused.value.code == "RSC-5964"


def test_writing_keeps_comments_and_what_else_stands_there(home):
    file = instances.write(home, None, {"concurrency": 4, "max_workers": None})
    text = file.read_text()
    assert text.startswith("# of all\n")
    assert tomllib.loads(text) == {"concurrency": 4, "broker_url": "redis://here/0"}


def test_a_file_that_is_broken_is_left_as_it_is(home):
    (home / "worker.toml").write_text("= nonsense")
    with pytest.raises(GiveUp):
        instances.write(home, None, {"concurrency": 4})
    assert (home / "worker.toml").read_text() == "= nonsense"
    assert [each.name for each in instances.known(home)] == ["AX60_ONE", "AX60_TWO"]
