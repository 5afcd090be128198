"""Registration by codes: what a machine says is shown, an administrator decides, credentials are told once, and codes end."""

import hashlib
import re
import time

import pytest
import requests
import sqlalchemy as sa

from connector.dispatch.letters import Letters
from connector.enrolment import codes
from connector.ledger import machines, trust
from connector.ledger.activations import activations
from connector.wire import codec, keys, sealing
from connector.wire.machines import LETTER_ANSWERS, LoginKept, LoginWanted, MachineLeaves

PRIVATE = keys.generate()
MINE, OTHER = PRIVATE.public, keys.generate().public
NEW, EXPIRED, PENDING = "/device/code", "expired_token", "authorization_pending"


def form(**more):
    told = {
        "machine": "AOSPROD01",
        "service_host": "aosprod01.contoso.com",
        "aos_instance": "1",
        "addresses": ["http://aosprod01.contoso.com/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"],
        "companies": ["USMF", "DEMF"],
        "account": r"CONTOSO\svc-rapid",
        "version": "0.1.0",
        "key": MINE.text,
    }
    return told | more


@pytest.fixture
def clerk(desk):
    """The desk of a dispatcher that has a key of its own; its broker is away, so that logins wait."""
    desk.dispatcher.outbox.letters = Letters((keys.generate(),))
    return desk


def begin(desk, **more):
    answer = requests.post(f"{desk.url}/api/v1/device/code", data=form(**more), timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(desk, begun):
    return requests.post(f"{desk.url}/api/v1/device/token", data={"device_code": begun["device_code"]}, timeout=10)


def word(answer):
    return answer.status_code, answer.json().get("error")


def decide(desk, begun, http=None, **more):
    body = {"decision": "approve", "service_instance": "Contoso production"} | more
    return (http or desk.http).post(f"{desk.url}/api/v1/activations/{begun['user_code']}", json=body, timeout=10)


def approved(desk, **more):
    begun = begin(desk, **more)
    answer = decide(desk, begun)
    assert answer.status_code == 200, answer.text
    return ask(desk, begun).json()


def password_in(given, ring=None):
    """The password that a machine was given, as only the holder of its key reads it."""
    sealed = codec.decode(given["letter"], {sealing.Sealed.KIND: sealing.Sealed})
    known = keys.Public.of_text(given["dispatcher_key"])
    reading = {"way": sealing.Way.ANSWER, "endpoint": given["endpoint"], "kinds": LETTER_ANSWERS}
    _, told = sealing.unseal(sealed, trusted={known.fingerprint: known}, ring=ring or (PRIVATE,), **reading)
    return re.search(r":([^:@]+)@", told.broker_url)[1]


def move(desk, begun, **values):
    """Set what the ledger says of a registration, as time does."""
    with desk.ledger.write() as db:
        mine = activations.c.code == codes.digest(begun["user_code"])
        db.execute(sa.update(activations).where(mine).values(values))


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


def test_the_same_host_and_instance_update_and_never_double(clerk):
    first = approved(clerk)
    again = begin(clerk, service_host="AOSPROD01", companies=["USMF"])
    assert again["means"] == "this machine once more, with the key that is known"
    decide(clerk, again)
    second = ask(clerk, again).json()
    assert second["endpoint"] == first["endpoint"]
    assert password_in(second) != password_in(first)
    (only,) = clerk.client.endpoints()
    assert only["companies"] == ["USMF"]
    with clerk.ledger.read() as db:
        (machine,) = machines.every(db)
    assert len(machine.passwords) == 2, "workers that run go on with the one before"


def test_another_instance_on_the_same_host_is_another_endpoint(clerk):
    approved(clerk)
    assert approved(clerk, aos_instance="2", key=OTHER.text)["endpoint"] == "AOSPROD01-2"


def test_a_name_that_is_another_aos_instances_is_refused(clerk):
    approved(clerk)
    answer = requests.post(f"{clerk.url}/api/v1/device/code", data=form(service_host="evil", endpoint="aosprod01"), timeout=10)
    assert answer.status_code == 409
    assert "AOS instance 1 on aosprod01.contoso.com" in answer.json()["detail"]


def test_a_new_key_of_a_known_machine_needs_an_approval_that_names_the_old_one(clerk):
    approved(clerk)
    begun = begin(clerk, key=OTHER.text)
    assert begun["means"] == "a new key for a machine that is known"
    with clerk.ledger.write() as db:
        trust.hear(db, "aosprod01", "s1", fingerprint=MINE.fingerprint, no=1, at=time.time())
    shown = clerk.http.get(f"{clerk.url}/api/v1/activations/{begun['user_code']}", timeout=10).json()
    assert (shown["replaces"]["fingerprint"], shown["replaces"]["machine"]) == (MINE.fingerprint, "AOSPROD01")
    assert shown["replaces"]["heard_at"]
    refused = decide(clerk, begun)
    assert refused.status_code == 409
    assert MINE.fingerprint in refused.json()["detail"]
    assert decide(clerk, begun, replaces=OTHER.fingerprint).status_code == 409
    assert decide(clerk, begun, replaces=MINE.fingerprint).status_code == 200
    found = {each["fingerprint"]: each["revoked_at"] for each in clerk.client.endpoint("aosprod01")["sealing"]["keys"]}
    assert found[MINE.fingerprint]
    assert found[OTHER.fingerprint] is None
    with clerk.ledger.read() as db:
        assert machines.find(db, "aosprod01", MINE.fingerprint).passwords == ()


def revoke(desk, machine):
    return desk.http.post(f"{desk.url}/api/v1/endpoints/AOSPROD01/revoke", json={"machine": machine}, timeout=10)


def test_each_machine_has_its_own_key_and_its_own_revocation(clerk):
    approved(clerk)
    begun = begin(clerk, machine="NEAR02", key=OTHER.text)
    assert begun["means"] == "a further machine of the endpoint, with a key of its own"
    decide(clerk, begun)
    ask(clerk, begun)
    (gone,) = revoke(clerk, "near02").json()["items"]
    assert gone["fingerprint"] == OTHER.fingerprint
    with clerk.ledger.read() as db:
        live = {each.fingerprint: bool(each.passwords) for each in machines.of_endpoint(db, "aosprod01")}
    assert live == {MINE.fingerprint: True, OTHER.fingerprint: False}
    assert revoke(clerk, "near02").status_code == 404
    assert [each["fingerprint"] for each in revoke(clerk, None).json()["items"]] == [MINE.fingerprint]


def test_what_a_broker_must_be_told_holds_no_password(clerk):
    password = password_in(approved(clerk))
    (told,) = clerk.http.get(f"{clerk.url}/api/v1/endpoints/aosprod01/credentials", timeout=10).json()["items"]
    assert told["command"].startswith(f"ACL SETUSER {told['login']} reset on #")
    assert '"(+xadd %W~aos.aosprod01:reports)"' in told["command"]
    assert password not in told["command"]


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


def test_guessing_is_slowed(clerk):
    tried = [
        clerk.http.get(f"{clerk.url}/api/v1/activations/BBBB-CCC{letter}", timeout=10).status_code for letter in "BCDFGHJKLMNP"
    ]
    assert tried[0] == 404
    assert tried[-1] == 429
    assert word(ask(clerk, {"device_code": "guess"}))[0] == 429


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


def test_removing_an_endpoint_ends_its_logins(clerk):
    approved(clerk)
    clerk.client.remove_endpoint("AOSPROD01")
    with clerk.ledger.read() as db:
        assert [each.passwords for each in machines.every(db)] == [()]
    assert begin(clerk)["means"] == "a new endpoint"


@pytest.fixture
def admin(clerk):
    """A browser in which an administrator has signed in."""
    with requests.Session() as session:
        session.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
        link = clerk.accounts.link_person("Anna", role="administrator")["url"]
        session.post(link, data={"password": "correct horse battery"}, timeout=10)
        yield session


def test_the_page_leads_through_the_sign_in_and_back(clerk):
    begun = begin(clerk)
    clerk.accounts.link_person("Anna", role="administrator")
    with requests.Session() as session:
        session.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
        asked = session.get(begun["verification_uri_complete"], timeout=10, allow_redirects=False)
        assert asked.status_code == 303
        assert asked.headers["Location"] == f"/signin?next=%2Factivate%2F{begun['user_code']}"


def test_an_administrator_approves_on_the_page(clerk, admin):
    begun = begin(clerk, account="<script>alert(1)</script>")
    found = admin.get(begun["verification_uri"], params={"code": begun["user_code"].lower()}, timeout=10)
    assert begun["user_code"].lower() in found.text
    page = admin.get(begun["verification_uri_complete"], timeout=10).text
    for told in (begun["user_code"], "aosprod01.contoso.com", MINE.fingerprint, "Did you start this?", "127.0.0.1"):
        assert told in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    done = admin.post(begun["verification_uri_complete"], data={"decision": "approve", "service_instance": "North"}, timeout=10)
    assert "Endpoint updated successfully." in done.text
    assert ask(clerk, begun).json()["service_instance"] == "North"


def test_the_page_says_which_key_is_replaced(clerk, admin):
    approved(clerk)
    begun = begin(clerk, key=OTHER.text)
    page = admin.get(begun["verification_uri_complete"], timeout=10).text
    assert f"This replaces the key <code>{MINE.fingerprint}</code> of AOSPROD01" in page
    refused = admin.post(begun["verification_uri_complete"], data={"decision": "approve"}, timeout=10)
    assert refused.status_code == 409
    assert "Did you start this?" in refused.text
    sent = {"decision": "approve", "replaces": re.search(r'name="replaces" value="([^"]+)"', page)[1]}
    assert "Endpoint updated successfully." in admin.post(begun["verification_uri_complete"], data=sent, timeout=10).text


def test_a_page_of_another_site_approves_nothing(clerk, admin):
    begun = begin(clerk)
    answer = admin.post(
        begun["verification_uri_complete"],
        data={"decision": "approve"},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"},
        timeout=10,
    )
    assert answer.status_code == 403
    assert clerk.client.endpoints() == []


def test_a_dispatcher_without_a_key_registers_nobody(desk):
    assert requests.post(f"{desk.url}/api/v1/device/code", data=form(), timeout=10).status_code == 409


RING = (keys.generate(),)


def letter(desk, message, *, ring=RING, endpoint="AOSPROD01", session="s1", no=1):
    stamp = sealing.Stamp(way=sealing.Way.REPORT, endpoint=endpoint, session=session, no=no)
    return sealing.seal(message, stamp, sender=ring, readers=(desk.dispatcher.outbox.letters.public,))


def send(desk, text, endpoint="AOSPROD01"):
    return requests.post(f"{desk.url}/api/v1/machines/letters", data={"endpoint": endpoint, "letter": text}, timeout=30)


def passwords(desk):
    with desk.ledger.read() as db:
        (found,) = machines.every(db)
    return found.passwords


def test_a_machine_has_its_login_renewed_by_a_letter_that_only_it_reads(clerk):
    given = approved(clerk, key=RING[0].public.text)
    (first,) = passwords(clerk)
    answer = send(clerk, letter(clerk, LoginWanted(endpoint="AOSPROD01"))).json()["letter"]
    (second, kept) = passwords(clerk)
    assert kept == first
    sealed = codec.decode(answer, {sealing.Sealed.KIND: sealing.Sealed})
    trusted = {each.fingerprint: each for each in (keys.Public.of_text(given["dispatcher_key"]),)}
    reading = {"way": sealing.Way.ANSWER, "endpoint": "AOSPROD01", "trusted": trusted, "kinds": LETTER_ANSWERS}
    head, told = sealing.unseal(sealed, ring=RING, **reading)
    assert head.question == RING[0].public.fingerprint
    assert hashlib.sha256(re.search(r":([^:@]+)@", told.broker_url)[1].encode()).hexdigest() == second
    with pytest.raises(sealing.Unsealable):
        sealing.unseal(sealed, ring=(keys.generate(),), **reading)
    assert send(clerk, letter(clerk, LoginKept(endpoint="AOSPROD01"), session="s2")).json() == {"letter": ""}
    assert passwords(clerk) == (second,)


def test_letters_that_its_machine_did_not_write_do_nothing(clerk):
    approved(clerk, key=RING[0].public.text)
    known = passwords(clerk)
    wanted = letter(clerk, LoginWanted(endpoint="AOSPROD01"))
    forged = letter(clerk, MachineLeaves(endpoint="AOSPROD01", machine="AOSPROD01"), ring=(keys.generate(),))
    for text, endpoint in ((forged, "AOSPROD01"), ("x", "AOSPROD01"), (wanted, "OTHER"), (wanted[:-20], "AOSPROD01")):
        assert send(clerk, text, endpoint).status_code == 403, text
    assert passwords(clerk) == known
    assert send(clerk, wanted).status_code == 200
    assert send(clerk, wanted).status_code == 403, "a letter counts once"
    refused = clerk.client.endpoint("AOSPROD01")["sealing"]["refused"]
    assert {each["why"] for each in refused} == {"forged", "altered", "repeated"}


def test_a_revoked_machine_has_nothing_renewed(clerk):
    approved(clerk, key=RING[0].public.text)
    revoke(clerk, None)
    assert send(clerk, letter(clerk, LoginWanted(endpoint="AOSPROD01"))).status_code == 403
    assert passwords(clerk) == ()
