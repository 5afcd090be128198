"""The settings form: what it writes, who may open it, and the command that does the same."""

import html
import re
import socket
import threading
import tomllib

import pytest
import requests
import uvicorn
from click.testing import CliRunner

from workers.cli import main
from workers.commands.form import saving
from workers.commands.form.pages import Desk
from workers.errors import GiveUp
from workers.settings import Settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def desk(home):
    """The page of endpoint A1, as `serve` serves it."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = Desk(home, "A1", origin=f"http://127.0.0.1:{listener.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(made.app(), log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield made
    made.end()
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def browser(desk):
    with requests.Session() as session:
        assert session.get(f"{desk.origin}/open/{desk.link}").status_code == 200
        session.headers["Origin"] = desk.origin
        yield session


def fields(page: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in re.findall(r'<input name="([^"]+)" value="([^"]*)"', page)}


def test_the_link_is_good_once(desk, browser):
    assert requests.get(f"{desk.origin}/open/{desk.link}").status_code == 403
    assert requests.get(f"{desk.origin}/open/guessed").status_code == 403
    assert browser.get(f"{desk.origin}/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/dixf"])
def test_nobody_else_sees_anything(desk, browser, path):
    assert requests.get(f"{desk.origin}{path}").status_code == 403
    assert browser.get(f"{desk.origin}{path}", headers={"Host": "evil.test"}).status_code == 403


@pytest.mark.parametrize("path", ["/save/general", "/save/dixf", "/activate", "/service"])
@pytest.mark.parametrize("origin", ["http://evil.test", "null", None])
def test_another_sites_page_changes_nothing(desk, browser, home, path, origin):
    browser.headers["Origin"] = origin
    assert browser.post(f"{desk.origin}{path}", data={"concurrency": "9"}).status_code == 403
    assert not (home / "endpoints").exists()


def test_general_settings_are_written_to_the_endpoints_file(desk, browser, home):
    page = browser.get(f"{desk.origin}/").text
    said = fields(page) | {"concurrency": "9", "aos_origins": "http://aos01:80"}
    assert "Saved" in browser.post(f"{desk.origin}/save/general", data=said).text
    text = (home / "endpoints" / "a1" / "worker.toml").read_text()
    assert tomllib.loads(text) == {"concurrency": 9, "aos_origins": "http://aos01:80"}
    assert Settings(endpoint="A1").concurrency == 9
    assert "Nothing was changed" in browser.post(f"{desk.origin}/save/general", data=said).text


def test_what_is_wrong_is_told_and_not_written(desk, browser, home):
    page = browser.post(f"{desk.origin}/save/general", data={"concurrency": "many"}).text
    assert "concurrency is wrong" in page
    assert not (home / "endpoints").exists()


def test_the_framework_has_a_tab_of_its_own(desk, browser, home):
    now = fields(browser.get(f"{desk.origin}/dixf").text)
    assert (now["dixf.row_delimiter"], now["dixf.header"]) == ("\\r\\n", "true")
    said = now | {"dixf.directory": "/srv/dixf", "dixf.row_delimiter": "\\n", "dixf.header": "false"}
    assert "Saved" in browser.post(f"{desk.origin}/save/dixf", data=said).text
    dixf = Settings(endpoint="A1").dixf
    assert dixf
    assert (dixf.directory.as_posix(), dixf.row_delimiter, dixf.header, dixf.encoding) == ("/srv/dixf", "\n", False, "utf-8")
    assert "Saved" in browser.post(f"{desk.origin}/save/dixf", data={"dixf.directory": ""}).text
    assert Settings(endpoint="A1").dixf is None


def test_every_page_shows_the_command_and_brings_nothing_from_elsewhere(desk, browser):
    for path in ("/", "/dixf"):
        answer = browser.get(f"{desk.origin}{path}")
        assert "rapidstart-worker settings --endpoint A1 --set" in answer.text
        assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_activation_runs_the_command_and_shows_what_it_says(desk, browser):
    page = browser.post(f"{desk.origin}/activate", data={"service-host": "AOS1", "dispatcher": "ftp://nobody"}).text
    assert "ftp://nobody" in page


def test_the_command_writes_the_same(home):
    ran = CliRunner().invoke(main, ["settings", "--endpoint", "A1", "--set", "concurrency=3", "--set", "dixf.directory=/srv/d"])
    assert ran.exit_code == 0, ran.output
    assert (Settings(endpoint="A1").concurrency, Settings().concurrency) == (3, 4)
    assert CliRunner().invoke(main, ["settings", "--endpoint", "A1", "--set", "concurrency="]).exit_code == 0
    assert Settings(endpoint="A1").concurrency == 4


@pytest.mark.parametrize("name", ["aos_password", "broker_url", "home", "nonsense", "dixf.nonsense", "dixf"])
def test_secrets_and_what_is_no_setting_are_refused(home, name):
    with pytest.raises(GiveUp) as refused:
        saving.save(home, "A1", {name: "secret"})
    assert "secret" not in refused.value.message
    assert not (home / "endpoints").exists()
