"""`rapidstart-worker doctor`: everything that a worker of this computer needs, looked at one by one."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from workers import errors
from workers.commands import front
from workers.enrol import membership

if TYPE_CHECKING:
    from connector.wire.reports import Check
    from workers.service import Found
    from workers.settings import Settings


_REGISTER: Final = "Register this computer (rapidstart-worker register), or say --address URL."
_INSTALL: Final = "Make one: rapidstart-worker service install --endpoint NAME."


@click.command()
@click.option(
    "--endpoint", metavar="E", help="The endpoint that is meant (default: RAPIDSTART_ENDPOINT, else all that are registered)."
)
@click.option(
    "--address", "addresses", multiple=True, metavar="URL", help="A port of its AOS; repeatable. Left out: as registered."
)
@click.option("--company", "companies", multiple=True, metavar="C", help="A company that shall be loaded into; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def doctor(endpoint: str | None, addresses: tuple[str, ...], companies: tuple[str, ...], as_json: bool) -> None:
    """Check this computer, the way to dispatcher and broker, and the AOS. The exit code is 0 where nothing is missing, else 4.

    Each line says ok, missing (and what to do), or cannot tell.
    """
    settings = front.settings(endpoint=endpoint)
    found = list(_checks(settings, endpoint or settings.endpoint, addresses, companies))
    for check in found:
        click.echo(json.dumps({**check.model_dump(), "is": word(check)}) if as_json else line(check))
    raise SystemExit(0 if all(check.ok for check in found) else 4)


def word(check: "Check") -> str:
    """What a check found."""
    if not check.ok:
        return "missing"
    return "ok" if check.tried else "cannot tell"


def line(check: "Check") -> str:
    """A check for a terminal."""
    advice = f"\n{'':13}{check.advice}" if check.advice else ""
    return f"{word(check):12} {check.name}: {check.detail}{advice}"


def _checks(settings: "Settings", endpoint: str | None, addresses: Sequence[str], companies: Sequence[str]) -> "Iterator[Check]":
    from workers import prerequisites

    yield from prerequisites.computer(settings.home)
    yield from _services()
    named = [endpoint] if endpoint else [each.endpoint for each in membership.known(settings.home)]
    if len(named) < 2:
        yield from _ways(settings, next(iter(named), None), addresses, companies)
        return
    for each in named:  # several AOS of one computer, each with its own login, settings and dispatcher
        for check in _ways(front.settings(endpoint=each), each, addresses, companies):
            yield check.model_copy(update={"name": f"{check.name}, {each}"})


def _ways(settings: "Settings", endpoint: str | None, addresses: Sequence[str], companies: Sequence[str]) -> "Iterator[Check]":
    """To the dispatcher, to the broker, to the AOS."""
    from workers import prerequisites

    yield from prerequisites.dispatcher(settings.api_url or _registered_at(settings, endpoint), ca_file=None)
    yield _broker(settings, endpoint)
    yield from _aos(settings, addresses or _registered(settings, endpoint), companies)


def _broker(settings: "Settings", endpoint: str | None) -> "Check":
    from connector.wire.reports import Check
    from workers import prerequisites

    try:
        return prerequisites.broker(front.broker(settings, endpoint) if endpoint else settings.broker())
    except errors.GiveUp as error:
        return Check(name="Broker", ok=False, detail=error.message, advice=error.advice)


def _services() -> "Iterator[Check]":
    """What runs here by the services of this computer, earlier versions too."""
    from connector.wire.reports import Check
    from workers import service

    try:
        found = service.here().found()
    except errors.GiveUp as error:
        yield Check(name="Services", ok=True, detail=error.message, advice=error.advice, tried=False)
        return
    for each in found:
        advice = about(each)
        yield Check(name="Service", ok=not advice, detail=f"{each.name} is {each.state}", advice=advice)
    if not found:
        yield Check(name="Services", ok=True, detail="none is installed", advice=_INSTALL, tried=False)


def about(found: "Found") -> str:
    """What is to be done about a service; empty: nothing."""
    from workers.service import State

    if found.is_original:
        return "It has nothing to talk to any more: rapidstart-worker service install offers to remove it."
    if not found.is_ours:
        return "It runs another installation. To have it run this one: rapidstart-worker service move."
    return "Start it: rapidstart-worker service start --endpoint NAME." if found.state is State.STOPPED else ""


def _aos(settings: "Settings", addresses: Sequence[str], companies: Sequence[str]) -> "Iterator[Check]":
    """What a connection test of the endpoint finds out, without a dispatcher: ports, account, contract, exceptions in faults."""
    from connector.wire.reports import Check
    from workers import aos, survey

    if not addresses:
        yield Check(name="AOS", ok=True, detail="its address is not known here", advice=_REGISTER, tried=False)
        return
    try:
        door = front.door(settings)
    except errors.GiveUp as error:
        yield Check(name="AOS", ok=False, detail=error.message, advice=error.advice)
        return
    yield from survey.connection(door, addresses, aos.Scope(companies=companies))


def _registered(settings: "Settings", endpoint: str | None) -> list[str]:
    """The addresses of the AOS that the endpoint was registered for, by its host and instance."""
    from workers.enrol import finding

    for each in _memberships(settings, endpoint):
        try:
            number = each.aos_instance if each.aos_instance.isdigit() else None
            here = finding.installed() if finding.is_here(each.service_host) else []
            host = each.service_host
            return finding.find(host, aos_instance=number, ports=(), companies=(), partition="", installed=here).addresses
        except errors.GiveUp:
            continue
    return []


def _registered_at(settings: "Settings", endpoint: str | None) -> str | None:
    return next((each.dispatcher for each in _memberships(settings, endpoint)), None)


def _memberships(settings: "Settings", endpoint: str | None) -> list[membership.Membership]:
    every = membership.known(settings.home)
    return [each for each in every if endpoint is None or each.endpoint.casefold() == endpoint.casefold()]
