"""`/device`, `/activations`, `/registration-tokens`, and the machines of an endpoint.

Machines ask in forms, and are answered by the words of RFC 8628; all else is JSON.
"""

import logging
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from connector import registrations
from connector.access.principal import DEFAULT_INSTANCE
from connector.enrolment import activating, guessing, letterbox, logins, tickets
from connector.enrolment.activating import Word
from connector.enrolment.asked import Asked
from connector.errors import NotAllowed, NotFound, NotSignedIn
from connector.ledger import trust
from connector.web import paging
from connector.web.activation.objects import activation_object, registration_object
from connector.web.endpoints import ServiceInstance
from connector.web.objects import moment
from connector.web.served import BrokerUrl, PublicUrl, Served, Slowed
from connector.web.throttle import network
from connector.web.who import Administrator, address

log = logging.getLogger(__name__)

#: What a machine says of itself, in bytes.
_LARGEST_FORM: Final = 65_536
#: What is said for people, beside the word for programs.
_TOLD: Final = {
    Word.PENDING: "An administrator has not decided yet.",
    Word.SLOW_DOWN: "Ask less often.",
    Word.EXPIRED: "The code has expired: register again.",
    Word.DENIED: "An administrator did not approve this registration.",
    Word.UNKNOWN: "The code is not known here, or was used already: register again.",
}

device = APIRouter(max_body_size=_LARGEST_FORM)
machines = APIRouter()


class DeviceForm(Asked):
    """What a machine says of itself, as a form; with a one-time token no administrator need approve."""

    client_id: Annotated[str, Field(max_length=60)] = "rapidstart-worker"
    registration_token: Annotated[str, Field(max_length=200)] = ""


@device.post("/device/code")
def code(
    request: Request, form: Annotated[DeviceForm, Form()], dispatcher: Served, slowed: Slowed, public_url: PublicUrl
) -> registrations.DeviceCode:
    """Begin a registration: the codes by which it is activated, and by which its machine then asks."""
    slowed.registrations.count(address(request))
    asked = Asked(**form.model_dump(exclude={"client_id", "registration_token"}))
    try:
        begun = activating.begin(dispatcher, asked, address=address(request), token=form.registration_token)
    except NotSignedIn:
        _guessed(slowed, request)
        raise
    return registrations.DeviceCode(
        device_code=begun.device_code,
        user_code=begun.user_code,
        verification_uri=f"{public_url}/activate",
        verification_uri_complete=f"{public_url}/activate/{begun.user_code}",
        expires_in=int(activating.LIFE_S),
        interval=int(activating.INTERVAL_S),
        endpoint=begun.endpoint,
        means=begun.means,
    )


@device.post("/device/token", responses={400: {"model": registrations.DeviceError, "description": "Not yet, or never."}})
def token(
    request: Request,
    dispatcher: Served,
    slowed: Slowed,
    broker_url: BrokerUrl,
    device_code: Annotated[str, Form(max_length=200)],
    grant_type: Annotated[str, Form(max_length=100)] = "urn:ietf:params:oauth:grant-type:device_code",  # noqa: ARG001 - RFC 8628
    client_id: Annotated[str, Form(max_length=60)] = "rapidstart-worker",  # noqa: ARG001
) -> registrations.Credentials:
    """What a machine is given once its registration is approved: its login at the broker, this once."""
    found = activating.collect(dispatcher, device_code, broker_url=broker_url)
    if isinstance(found, Word):
        if found is Word.UNKNOWN:
            _guessed(slowed, request)
        return _not_yet(found)  # type: ignore[return-value]  # FastAPI passes an answer on as it is
    return registrations.Credentials(
        endpoint=found.endpoint,
        service_instance=found.service_instance,
        letter=found.letter,
        dispatcher_key=found.dispatcher_key,
        trouble=found.trouble,
    )


@device.post("/machines/letters")
def letter(
    request: Request,
    dispatcher: Served,
    slowed: Slowed,
    broker_url: BrokerUrl,
    endpoint: Annotated[str, Form(max_length=40)],
    letter: Annotated[str, Form(max_length=40_000)],
) -> registrations.Letter:
    """What a machine says of itself under its own key's signature: that it leaves, or wants another password."""
    try:
        answer = letterbox.take(dispatcher, endpoint, letter, address=address(request), broker_url=broker_url)
    except NotAllowed:
        _guessed(slowed, request)
        raise
    return {"letter": answer}


@machines.get("/activations/{user_code}")
def show(request: Request, user_code: str, dispatcher: Served, asking: Administrator) -> registrations.Activation:
    """What a machine says of itself that waits with this code, and what it would mean to approve it."""
    return activation_object(looked_at(request, user_code, dispatcher, asking))


class Wanted(BaseModel):
    """What an administrator decides. `replaces`: the fingerprint of the key that is trusted no more then, where there is one."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "deny"]
    service_instance: ServiceInstance = DEFAULT_INSTANCE
    replaces: Annotated[str, Field(max_length=60)] = ""


@machines.post("/activations/{user_code}")
def decide(request: Request, user_code: str, wanted: Wanted, dispatcher: Served, asking: Administrator) -> registrations.Decision:
    """Approve or deny the registration of this code."""
    found = looked_at(request, user_code, dispatcher, asking)
    if wanted.decision == "deny":
        activating.deny(dispatcher, user_code, asking=asking)
        return registrations.Decision(endpoint=found.meaning.name, decision="deny", told="The registration is denied.")
    name = activating.approve(
        dispatcher, user_code, service_instance=wanted.service_instance, replaces=wanted.replaces, asking=asking
    )
    return registrations.Decision(endpoint=name, decision="approve", told="Endpoint updated successfully.")


def looked_at(request: Request, user_code: str, dispatcher: Served, asking: Administrator) -> activating.Pending:
    """The registration of a code; codes that are not known are counted. Raises as `activating.look` does, and TooOften."""
    guesser = network(address(request))
    guessing.check(dispatcher, guesser)
    try:
        return activating.look(dispatcher, user_code, asking=asking)
    except NotFound:
        log.warning("an activation code that is not known was tried from %s", guesser, extra={"action": "code_unknown"})
        guessing.count(dispatcher, guesser, by=asking.by)
        raise


class WantedRegistration(BaseModel):
    """A one-time token that is to be made; with an `endpoint` it may add a further machine to that one."""

    model_config = ConfigDict(extra="forbid")

    service_instance: ServiceInstance = DEFAULT_INSTANCE
    endpoint: Annotated[str, Field(max_length=40)] = ""


@machines.post("/registration-tokens", status_code=201)
def create(wanted: WantedRegistration, dispatcher: Served, asking: Administrator) -> registrations.NewRegistration:
    """Make a token that registers one machine within the hour. Its secret is told this once."""
    made = tickets.create(
        dispatcher.ledger, service_instance=wanted.service_instance, endpoint=wanted.endpoint, maker=asking
    )  # fmt: skip
    return {"token": registration_object(made.credential), "secret": made.secret}


@machines.get("/registration-tokens")
def listing(
    dispatcher: Served, asking: Administrator, limit: paging.Limit = 1000, cursor: paging.After = None
) -> registrations.RegistrationPage:
    """The one-time tokens that are still good, without their secrets, the oldest first."""
    found = tickets.outstanding(dispatcher.ledger, asking=asking)
    shown, following = paging.page(found, key=lambda each: f"{each.made_at:017.6f} {each.key}", after=cursor, limit=limit)
    return {"items": [registration_object(each) for each in shown], "next": following}


@machines.delete("/registration-tokens/{token}", status_code=204)
def withdraw(token: str, dispatcher: Served, asking: Administrator) -> None:
    """Make a one-time token worthless."""
    tickets.revoke(dispatcher.ledger, token, asking=asking)


class WantedRevocation(BaseModel):
    """The machine that is to be trusted no more, by its name or its key's fingerprint; null: all of the endpoint."""

    model_config = ConfigDict(extra="forbid")

    machine: Annotated[str | None, Field(max_length=200)] = None


@machines.post("/endpoints/{name}/revoke")
def revoke(name: str, wanted: WantedRevocation, dispatcher: Served, asking: Administrator) -> registrations.Revoked:
    """Trust machines of an endpoint no more and end their logins, whether their workers are there or not."""
    found = logins.revoke(dispatcher, name, machine=wanted.machine, by=asking.by)
    return {"items": [_known(dispatcher, each) for each in found]}


@machines.get("/endpoints/{name}/credentials")
def credentials(name: str, dispatcher: Served, _: Administrator) -> registrations.LoginCommands:
    """What a broker must be told that the dispatcher may not administer: digests of passwords, never a password."""
    return {
        "items": [
            registrations.LoginCommand(
                machine=each.name, fingerprint=each.machine.fingerprint, login=each.login, command=each.text
            )
            for each in logins.commands(dispatcher, name)
        ]
    }


def _known(dispatcher: Served, key: trust.MachineKey) -> registrations.KnownKey:
    with dispatcher.ledger.read() as db:
        heard_at = trust.last_heard(db, key.endpoint, key.fingerprint)
    return {
        "fingerprint": key.fingerprint,
        "machine": key.machine,
        "heard_at": None if heard_at is None else moment(heard_at),
    }


def _guessed(slowed: Slowed, request: Request) -> None:
    """A machine, or who plays one, showed a code or letter that is not known here."""
    log.warning("a code that is not known was tried from %s", address(request), extra={"action": "code_unknown"})
    slowed.machines.count(address(request))


def _not_yet(word: Word) -> Response:
    told = registrations.DeviceError(error=word, error_description=_TOLD[word])
    return JSONResponse(told, status_code=400)
