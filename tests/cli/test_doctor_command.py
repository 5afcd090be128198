import sys
import time

import pytest

from connector.ledger import trust
from connector.wire import keys


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


def test_which_endpoints_are_not_sealed_is_told_and_what_was_refused(run, desk, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_API_URL", desk.url)
    assert not checks(run("doctor", "--json"))["Sealing"]["tried"], "nobody is signed in"
    monkeypatch.setenv("RAPIDSTART_TOKEN_FILE", str(desk.home / "token"))
    assert "no endpoint" in checks(run("doctor", "--json"))["Sealing"]["detail"]
    for name in ("A1", "A2"):
        desk.client.add_endpoint(name, addresses=["http://aos.test/p.svc"])
    with desk.ledger.write() as db:
        trust.admit(db, "A1", keys.generate().public, machine="AOS01", at=1.0)
    told = checks(run("doctor", "--json"))["Sealing"]
    assert told["ok"]
    assert told["detail"] == "not sealed, whoever can write to the broker is believed: A2"
    with desk.ledger.write() as db:
        for why in ("forged", "forged", "repeated"):
            trust.refuse(db, "A1", where="worker", why=why, told="a sentence", at=2.0)
    assert checks(run("doctor", "--json"))["Sealing"]["ok"], "that was long ago"
    with desk.ledger.write() as db:
        trust.refuse(db, "A1", where="worker", why="forged", told="a sentence", at=time.time())
    told = checks(run("doctor", "--json"))["Sealing"]
    assert (told["ok"], told["detail"]) == (False, "A1: 4 messages were refused: 3 forged, 1 repeated")
    shown = run("endpoint", "show", "A1").out
    assert "sealed for AOS01" in shown
    assert "4 messages were refused: 3 forged, 1 repeated" in shown
    assert "not sealed" in run("endpoint", "show", "A2").out
