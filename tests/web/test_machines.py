"""The machines of an endpoint: updated and never doubled, each with a key, a login and an end of its own."""

import hashlib
import re
import time

import pytest
import requests

from connector.ledger import machines, trust
from connector.wire import codec, keys, sealing
from connector.wire.machines import LETTER_ANSWERS, LoginKept, LoginWanted, MachineLeaves
from tests.web.registering import MINE, OTHER, approved, ask, begin, decide, form, password_in, revoke


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


def test_two_computers_without_names_are_two_endpoints(clerk):
    assert approved(clerk, service_host="10.1.2.3")["endpoint"] == "10-1-2-3"
    assert approved(clerk, service_host="10.9.9.9", key=OTHER.text)["endpoint"] == "10-9-9-9"


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


def test_removing_an_endpoint_ends_its_logins(clerk):
    approved(clerk)
    clerk.client.remove_endpoint("AOSPROD01")
    with clerk.ledger.read() as db:
        assert [each.passwords for each in machines.every(db)] == [()]
    assert begin(clerk)["means"] == "a new endpoint"


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
