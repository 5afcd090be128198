"""A machine that asks to be registered, and an administrator who decides, as both use the HTTP API."""

import re

import requests
import sqlalchemy as sa

from connector.enrolment import codes
from connector.ledger.activations import activations
from connector.wire import codec, keys, sealing
from connector.wire.machines import LETTER_ANSWERS

PRIVATE = keys.generate()
MINE, OTHER = PRIVATE.public, keys.generate().public
EXPIRED, PENDING = "expired_token", "authorization_pending"


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


def revoke(desk, machine):
    return desk.http.post(f"{desk.url}/api/v1/endpoints/AOSPROD01/revoke", json={"machine": machine}, timeout=10)
