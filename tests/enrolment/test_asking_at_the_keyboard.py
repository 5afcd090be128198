"""`rapidstart-worker register` at a keyboard: everything is shown, and each value can be changed, before anybody is asked."""

import json

import pytest
from click.testing import CliRunner

from workers.enrol.command import register

AWAY = "http://127.0.0.1:1"


@pytest.fixture
def typed(tmp_path):
    """What is shown where these lines are typed; neither AOS nor dispatcher answers."""

    def run(*lines, options=()):
        command = ["--dispatcher", AWAY, "--service-host", "127.0.0.1", "--services-port", "2", "--wsdl-port", "1", *options]
        done = CliRunner().invoke(register, command, input="\n".join(lines), env={"RAPIDSTART_HOME": str(tmp_path)})
        assert done.exit_code == 4, done.output
        return done.output

    return run


def shown(text, name):
    """The values that were shown under a name, one after the other."""
    return [line.split(None, 1)[1] if name == line.split(None, 1)[0] else line for line in text.splitlines() if name in line]


def test_an_aos_that_cannot_be_asked_is_told_so_and_the_registration_goes_on(typed):
    text = typed("y")
    for name in ("Services", "Companies", "Partition"):
        assert any("could not be asked" in line for line in shown(text, name)), text
    assert "loads into any of them would be let through" in text
    assert f"the dispatcher at {AWAY} does not answer" in text


def test_what_is_said_stays_and_is_not_asked_of_the_aos(typed):
    text = typed("y", options=("--company", "usmf", "--company", "demf", "--partition", "initial"))
    assert "Companies             USMF, DEMF\n" in text
    assert "Partition             initial\n" in text
    assert "let through" not in text


def test_each_value_can_be_changed(typed):
    text = typed("n", "1", "2999", "7", "8", "Setup Journals", "usmf, demf", "ext", "y")
    assert "  RPC / WSDL / services 2999 / 7 / 8\n" in text
    assert "  Integration ports     Setup, Journals\n" in text
    assert "Companies             USMF, DEMF\n" in text
    assert "Partition             ext\n" in text


def test_another_instance_brings_its_own_ports(typed):
    text = typed("n", "3", "", "", "", "", "-", "-", "y")
    assert "  AOS instance          3 (as named; ports counted up from the first one's)\n" in text
    assert "  RPC / WSDL / services 2714 / 8103 / 8203\n" in text


def test_what_names_no_instance_changes_nothing(tmp_path):
    command = ["--dispatcher", AWAY, "--service-host", "127.0.0.1", "--aos-instance", "AX60_PROD"]
    done = CliRunner().invoke(register, command, env={"RAPIDSTART_HOME": str(tmp_path)})
    assert done.exit_code == 3
    assert "Name it by its number on its computer, 1 for the first one: --aos-instance 1" in done.output


def test_where_it_is_registered_already_what_is_not_said_stays(typed, tmp_path):
    folder = tmp_path / "endpoints" / "a1"
    folder.mkdir(parents=True)
    known = {"endpoint": "A1", "dispatcher": AWAY, "service_host": "127.0.0.1", "aos_instance": "1"}
    (folder / "registration.json").write_text(json.dumps(known))
    text = typed("y")
    assert "Companies             as registered before\n" in text
    assert "let through" not in text
