"""`rapidstart token`, `person` and `whoami`, and where a command has its token from."""

import getpass

import pytest

from connector.access import local


def test_who_one_is_on_this_computer(run, office):
    ran = run("whoami")
    assert (ran.code, ran.out) == (0, f"{getpass.getuser()}: administrator, service instances: all\n")
    assert run("whoami", "--json").lines == [{"name": getpass.getuser(), "role": "administrator", "service_instances": None}]


def test_a_token_is_made_used_listed_and_revoked(run, office, monkeypatch):
    made = run("token", "create", "CI", "--role", "viewer", "--service-instance", "Default", "--days", "30")
    assert (made.code, made.err) == (0, "The token CI, told this once:\n")
    secret = made.out.strip()
    monkeypatch.setenv("RAPIDSTART_TOKEN", secret)
    assert run("whoami").out == "CI: viewer, service instances: Default\n"
    refused = run("endpoint", "pause", "AOS-1")
    assert refused.code == 3
    assert refused.err.startswith("Error: a viewer may not do this. It needs the role operator")
    monkeypatch.delenv("RAPIDSTART_TOKEN")

    shown = run("token", "list")
    assert (shown.code, "CI" in shown.out, secret in shown.out) == (0, True, False)
    assert [line["kind"] for line in run("token", "list", "--json").lines] == ["token", "local"]
    assert run("token", "revoke", "ci").out == "The token ci is worth nothing any more.\n"
    monkeypatch.setenv("RAPIDSTART_TOKEN", secret)
    gone = run("job", "list")
    assert gone.code == 3
    assert "the token is not known here, or was revoked. Sign in" in gone.err


def test_a_command_without_any_token_is_told_how_to_get_one(run, office, monkeypatch):
    monkeypatch.delenv("RAPIDSTART_TOKEN_FILE")
    refused = run("job", "list")
    assert refused.code == 3
    assert refused.err.startswith("Error: nobody is signed in.")
    assert "rapidstart token create NAME" in refused.err


def test_the_token_that_is_named_goes_before_the_file_and_the_file_before_this_computers(run, office, monkeypatch, tmp_path):
    secrets = {name: run("token", "create", name, "--role", "viewer").out.strip() for name in ("named", "filed")}
    (tmp_path / "filed").write_text(secrets["filed"] + "\n")
    home = tmp_path / "cli-home"
    home.mkdir()
    (home / local.FILE).write_text(local.read(office.home))
    monkeypatch.delenv("RAPIDSTART_TOKEN_FILE")
    assert run("whoami", "--json").lines[0]["name"] == getpass.getuser()
    monkeypatch.setenv("RAPIDSTART_TOKEN_FILE", str(tmp_path / "filed"))
    assert run("whoami", "--json").lines[0]["name"] == "filed"
    monkeypatch.setenv("RAPIDSTART_TOKEN", secrets["named"])
    assert run("whoami", "--json").lines[0]["name"] == "named"
    monkeypatch.delenv("RAPIDSTART_TOKEN")
    monkeypatch.setenv("RAPIDSTART_TOKEN_FILE", str(tmp_path / "missing"))
    assert run("whoami").code == 2


def test_the_configuration_shows_no_token(run, office, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_TOKEN", "rsc_secret")
    for shown in (run("config"), run("config", "--json")):
        assert "rsc_secret" not in shown.out
        assert "RAPIDSTART_TOKEN" in shown.out


def test_people_are_linked_listed_and_removed(run, office):
    made = run("person", "link", "Anna Öst", "--role", "operator")
    assert made.code == 0
    assert made.out.startswith(f"{office.url}/signin/link/rsc_")
    assert run("person", "list", "--json").lines == [], "nobody has opened it yet"
    assert office.http.post(made.out.strip(), timeout=10).status_code == 200
    (anna,) = run("person", "list", "--json").lines
    assert (anna["name"], anna["role"], anna["has_password"]) == ("Anna Öst", "operator", False)
    assert "Anna Öst" in run("person", "list").out
    assert run("person", "remove", "anna öst").out == "anna öst cannot sign in any more.\n"
    assert run("person", "remove", "anna öst").code == 3
    assert run("person", "link", "Bob").code == 3


def test_an_endpoint_belongs_to_a_service_instance(run, office):
    added = run("endpoint", "add", "AOS-2", "--url", "http://aos.test:80", "--service-instance", "Contoso production", "--json")
    assert added.lines[0]["service_instance"] == "Contoso production"
    assert "Contoso production" in run("endpoint", "show", "AOS-2").out
    assert run("endpoint", "add", "AOS-2", "--replace", "--service-instance", "Contoso test").code == 0
    shown = run("endpoint", "list").out
    assert "Contoso test" in shown
    assert "Default" in shown, "where none was named"


@pytest.mark.parametrize("days", ["0", "-1", "x", "nan", "0.5"])
def test_a_time_that_is_none_is_refused(run, office, days):
    assert run("token", "create", "ci", "--role", "viewer", "--days", days).code == 2
    assert [line["kind"] for line in run("token", "list", "--json").lines] == ["local"]
