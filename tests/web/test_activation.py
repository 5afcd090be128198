"""Registration by codes: what a machine says is shown, an administrator decides, credentials are told once, and codes end."""

import re
import time

import pytest
import requests
import sqlalchemy as sa

from connector.enrolment import guessing
from connector.errors import TooOften
from connector.ledger import guesses, machines
from connector.ledger.activations import activations
from connector.wire import keys, sealing
from tests.web.registering import EXPIRED, MINE, OTHER, PENDING, approved, ask, begin, decide, form, move, password_in, word


def test_a_machine_is_registered(clerk):
    begun = begin(clerk)
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", begun["user_code"])
    assert begun["verification_uri_complete"] == f"{clerk.url}/activate/{begun['user_code']}"
    assert (begun["endpoint"], begun["means"]) == ("AOSPROD01", "a new endpoint")
    assert word(ask(clerk, begun)) == (400, PENDING)
    shown = clerk.http.get(f"{clerk.url}/api/v1/activations/{begun['user_code'].lower().replace('-', ' ')}", timeout=10).json()
    assert (shown["machine"], shown["account"], shown["fingerprint"]) == ("AOSPROD01", r"CONTOSO\svc-rapid", MINE.fingerprint)
    assert shown["address"] == "127.0.0.1"
    assert decide(clerk, begun).json()["told"] == "Endpoint updated successfully."
    given = ask(clerk, begun).json()
    assert (given["endpoint"], given["service_instance"]) == ("AOSPROD01", "Contoso production")
    assert given["dispatcher_key"] == clerk.dispatcher.outbox.letters.public.text
    assert given["trouble"], "the broker of this desk is away"
    added = clerk.client.endpoint("aosprod01")
    assert (added["companies"], added["service_instance"]) == (["USMF", "DEMF"], "Contoso production")
    assert [each["fingerprint"] for each in added["sealing"]["keys"]] == [MINE.fingerprint]


def test_what_is_told_is_told_once(clerk):
    begun = begin(clerk)
    decide(clerk, begun)
    given = ask(clerk, begun).json()
    password = password_in(given)
    assert password not in str(given)
    with pytest.raises(sealing.Unsealable):
        password_in(given, ring=(keys.generate(),))
    assert word(ask(clerk, begun)) == (400, "invalid_grant")
    assert decide(clerk, begun).status_code == 404, "the short code is useless twice"
    with clerk.ledger.read() as db:
        everything = [
            str(value) for table in (activations, machines.machines) for row in db.execute(sa.select(table)) for value in row
        ]
    for secret in (begun["user_code"], begun["user_code"].replace("-", ""), begun["device_code"], password):
        assert not any(secret in value for value in everything)


def test_codes_expire(clerk):
    begun, late = begin(clerk), begin(clerk, service_host="other")
    decide(clerk, late)
    for each in (begun, late):
        move(clerk, each, expires_at=time.time() - 1)
    assert word(ask(clerk, begun)) == (400, EXPIRED)
    assert word(ask(clerk, late)) == (400, EXPIRED), "what was approved must be fetched in time"
    assert decide(clerk, begun).status_code == 404


def test_who_asks_too_often_is_told_to_slow_down(clerk):
    begun = begin(clerk)
    assert word(ask(clerk, begun)) == (400, PENDING)
    assert word(ask(clerk, begun)) == (400, "slow_down")
    move(clerk, begun, polled_at=time.time() - 7)
    assert word(ask(clerk, begun)) == (400, "slow_down"), "seven seconds are too soon now"
    move(clerk, begun, polled_at=time.time() - 60)
    assert word(ask(clerk, begun)) == (400, PENDING)


def test_a_denied_machine_gets_nothing(clerk):
    begun = begin(clerk)
    assert decide(clerk, begun, decision="deny").status_code == 200
    assert word(ask(clerk, begun)) == (400, "access_denied")
    assert clerk.client.endpoints() == []


def ticket(desk, **more):
    return desk.http.post(f"{desk.url}/api/v1/registration-tokens", json=more, timeout=10).json()["secret"]


def test_a_one_time_token_needs_no_administrator_and_works_once(clerk):
    secret = ticket(clerk, service_instance="Fabrikam")
    given = ask(clerk, begin(clerk, registration_token=secret)).json()
    assert given["service_instance"] == "Fabrikam"
    again = requests.post(f"{clerk.url}/api/v1/device/code", data=form(registration_token=secret), timeout=10)
    assert again.status_code == 401
    assert clerk.http.get(f"{clerk.url}/api/v1/registration-tokens", timeout=10).json() == {"items": [], "next": None}


def test_a_one_time_token_never_replaces_a_key_nor_adds_a_machine_that_it_does_not_name(clerk):
    approved(clerk)
    secret = ticket(clerk)
    for machine in ("AOSPROD01", "NEAR02"):
        begun = begin(clerk, registration_token=secret, key=OTHER.text, machine=machine)
        assert word(ask(clerk, begun)) == (400, PENDING), "an administrator must look at it"
    named = ticket(clerk, endpoint="AOSPROD01")
    begun = begin(clerk, registration_token=named, key=OTHER.text)
    assert word(ask(clerk, begun)) == (400, PENDING), "nobody replaces a key unseen"
    begun = begin(clerk, registration_token=named, key=OTHER.text, machine="NEAR02")
    assert ask(clerk, begun).json()["endpoint"] == "AOSPROD01"


def guess(desk, code):
    return desk.http.get(f"{desk.url}/api/v1/activations/{code}", timeout=10).status_code


def test_guessing_is_slowed_and_counted_wherever_it_goes_on(clerk):
    begun = begin(clerk)
    wrong = [f"BBBB-CCC{letter}" for letter in "BCDFGHJKLM"]
    assert [guess(clerk, code) for code in wrong] == [404] * guessing.MOST
    assert guess(clerk, wrong[0]) == 429
    assert guess(clerk, begun["user_code"]) == 429, "else it would not be slowed: what is right is told as late"
    with pytest.raises(TooOften):
        guessing.check(clerk.dispatcher, "127.0.0.1")
    guessing.check(clerk.dispatcher, "10.0.0.1")
    (line,) = [each for each in clerk.client.audit() if each["what"] == "activation guess"]
    assert line["details"] == {"network": "127.0.0.1", "tried": guessing.MOST, "within_s": guessing.WINDOW_S}
    assert line["by"].endswith("@127.0.0.1")
    with clerk.ledger.write() as db:
        db.execute(sa.update(guesses.guesses).values(at=guesses.guesses.c.at - guessing.WINDOW_S))
    assert guess(clerk, begun["user_code"]) == 200


def test_guessing_from_everywhere_is_slowed_too(clerk):
    begun = begin(clerk)
    for number in range(guessing.MOST_OF_ALL):
        guessing.count(clerk.dispatcher, f"10.0.0.{number}", by="x")
    assert guess(clerk, begun["user_code"]) == 429


def test_guesses_are_forgotten_after_a_day(clerk):
    with clerk.ledger.write() as db:
        guesses.add(db, "10.0.0.1", at=time.time() - 90_000)
        guesses.add(db, "10.0.0.2", at=time.time())
        assert guesses.since(db, 0.0) == ["10.0.0.2"]


def test_what_machines_show_is_counted_too(clerk):
    tried = [ask(clerk, {"device_code": f"guess{number}"}).status_code for number in range(12)]
    assert (tried[0], tried[-1]) == (400, 429)
    assert word(ask(clerk, begin(clerk))) == (400, PENDING), "a machine that waits is not held up by it"


def test_an_operator_decides_nothing(clerk):
    begun = begin(clerk)
    login = {"Authorization": f"Bearer {clerk.accounts.create_token('op', role='operator')['secret']}"}
    answer = requests.post(
        f"{clerk.url}/api/v1/activations/{begun['user_code']}", json={"decision": "approve"}, headers=login, timeout=10
    )
    assert answer.status_code == 403


def test_an_administrator_of_one_service_instance_decides_for_that_one_alone(clerk):
    approved(clerk)
    secret = clerk.accounts.create_token("north", role="administrator", service_instances=["North"])["secret"]
    with requests.Session() as north:
        north.headers["Authorization"] = f"Bearer {secret}"
        known = begin(clerk)
        assert decide(clerk, known, north, service_instance="North").status_code == 404, "the endpoint is not theirs"
        new = begin(clerk, service_host="north1", key=OTHER.text)
        assert decide(clerk, new, north).status_code == 403
        assert decide(clerk, new, north, service_instance="North").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "x"},
        {"endpoint": "a b"},
        {"addresses": ["file:///etc/passwd"]},
        {"addresses": ["http://user:pw@aos/"]},
        {"companies": ["TOOLONG"]},
        {"machine": "a\nb"},
        {"more": "x"},
    ],
)
def test_what_no_machine_says_is_refused(clerk, wrong):
    assert requests.post(f"{clerk.url}/api/v1/device/code", data=form(**wrong), timeout=10).status_code == 422


def test_a_dispatcher_without_a_key_registers_nobody(desk):
    assert requests.post(f"{desk.url}/api/v1/device/code", data=form(), timeout=10).status_code == 409
