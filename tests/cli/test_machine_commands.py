"""`endpoint revoke`, `endpoint credentials` and `registration-token`."""

import time

import pytest
import requests

from connector.dispatch.letters import Letters
from connector.ledger import machines, trust
from connector.wire import keys

KEY = keys.generate()


@pytest.fixture
def manned(office):
    """The endpoint of the office with a machine that was registered."""
    office.dispatcher.outbox.letters = Letters((keys.generate(),))
    told = machines.Machine(
        endpoint="aos-1",
        fingerprint=KEY.public.fingerprint,
        login="aos.aos-1.1",
        password="a" * 64,
        service_host="aos",
        aos_instance="1",
        account="",
        address="",
        version="",
        registered_at=time.time(),
    )
    with office.ledger.write() as db:
        trust.admit(db, "aos-1", KEY.public, machine="AOSPROD01", at=time.time())
        machines.keep(db, told)
    return office


def test_the_logins_of_an_endpoint_are_printed_for_a_broker_that_is_administered_by_hand(run, manned):
    printed = run("endpoint", "credentials", "AOS-1", "--print")
    assert printed.code == 0
    comment, command = printed.out.splitlines()
    assert comment == f"# AOSPROD01 {KEY.public.fingerprint}"
    assert command.startswith(f"ACL SETUSER aos.aos-1.1 reset on #{'a' * 64} ")
    assert run("endpoint", "credentials", "AOS-1").code == 2, "it must be said that they are printed"


def test_a_machine_is_revoked_by_its_name_or_fingerprint(run, manned):
    assert run("endpoint", "revoke", "AOS-1", "--machine", "OTHER").code == 3
    ran = run("endpoint", "revoke", "AOS-1", "--machine", KEY.public.fingerprint)
    assert (ran.code, ran.out) == (0, f"AOSPROD01 {KEY.public.fingerprint} is trusted no more.\n")
    assert run("endpoint", "credentials", "AOS-1", "--print").out.splitlines()[1] == "ACL DELUSER aos.aos-1.1"
    (key,) = run("endpoint", "show", "AOS-1", "--json").lines[0]["sealing"]["keys"]
    assert key["revoked_at"]


def test_a_one_time_token_is_made_listed_and_withdrawn(run, manned, tmp_path):
    file = tmp_path / "token.txt"
    made = run("registration-token", "create", "--service-instance", "Contoso", "--out", file)
    assert (made.code, made.out) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("registration-token", "create", "--out", file).code == 2, "nothing is overwritten"
    (listed,) = run("registration-token", "list", "--json").lines
    assert (listed["service_instance"], listed["endpoint"]) == ("Contoso", "")
    assert file.read_text().strip() not in run("registration-token", "list").out
    assert run("registration-token", "revoke", listed["key"]).code == 0
    form = {"machine": "M", "service_host": "h", "addresses": "http://h/x.svc", "key": KEY.public.text}
    answer = requests.post(
        f"{manned.url}/api/v1/device/code", data=form | {"registration_token": file.read_text().strip()}, timeout=10
    )
    assert answer.status_code == 401
    assert run("registration-token", "create", "--endpoint", "nowhere").code == 3
