import sys

import pytest


def checks(ran):
    return {line["name"]: line for line in ran.lines}


def test_a_computer_without_a_dispatcher_is_told_what_to_do(run):
    ran = run("doctor", "--json")

    assert ran.code == 4
    found = checks(ran)
    assert found["Python"]["ok"]
    assert found["Home"]["ok"]
    assert not found["Dispatcher"]["ok"]
    assert "rapidstart dispatcher" in found["Dispatcher"]["advice"]


def test_what_is_wrong_at_the_dispatcher_is_told(run, desk, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_API_URL", desk.url)
    monkeypatch.setenv("RAPIDSTART_BROKER_URL", "redis://me:secret@127.0.0.1:1/0")
    ran = run("doctor", "--json")

    found = checks(ran)
    assert ran.code == 4
    assert (found["Dispatcher"]["ok"], found["Dispatcher's ledger"]["ok"]) == (True, True)
    assert "cannot be reached" in found["Dispatcher's broker"]["detail"]
    assert "redis://me:***@127.0.0.1:1/0 does not answer" in found["Broker"]["detail"]
    assert "✗ Broker" in run("doctor").out


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that nobody can write, the superuser included, is only known here")
def test_a_home_that_cannot_be_written_is_told(run, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_HOME", "/proc/nowhere")
    assert not checks(run("doctor", "--json"))["Home"]["ok"]
