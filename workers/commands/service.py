"""`rapidstart-worker service`: the worker service of an endpoint, run in the foreground or by this computer's own services."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers import errors
from workers.commands import front

if TYPE_CHECKING:
    from workers.crew import Service
    from workers.instances import Instance
    from workers.service import Definition, Found, System
    from workers.settings import Settings


@click.group()
def service() -> None:
    """The worker service of an endpoint: it keeps worker processes running on this computer."""


def _named(command: Callable[..., Any]) -> Callable[..., Any]:
    """The two ways to name an instance."""
    command = click.option("--instance", metavar="I", help="The AOS instance, by the name that was given at install.")(command)
    return click.option("--endpoint", metavar="E", help="The endpoint (default: RAPIDSTART_ENDPOINT).")(command)


@service.command("install")
@_named
@click.option("--account", metavar="A", help=r"Whom it runs as, as CONTOSO\svc-rapid$. Left out: the least that the system has.")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds its password.")
@click.option("--replace", is_flag=True, help="Take away services of earlier versions without asking.")
def install(endpoint: str | None, instance: str | None, account: str | None, password_file: Path | None, replace: bool) -> None:
    """Make the service of an endpoint, which starts with this computer, and start it.

    On Windows RapidStartConnector$INSTANCE, after the AOS; on Linux a unit of systemd. Called again, it makes the service
    as it is said now. A managed account (a name that ends in $) needs no password.
    """
    try:
        settings, found = _instance(endpoint, instance)
        _look(settings, found)
        password = password_file.read_text(encoding="utf-8").rstrip("\r\n") if password_file else None
        system = _system()
        for earlier in system.found():
            _offer_removal(system, earlier, replace=replace)
        _remember(settings, found)
        system.install(_definition(settings, found, account=account, password=password))
        system.start(found.name)
    except errors.GiveUp as error:
        raise front.stop(error) from None
    click.echo(f"{system.name(found.name)} is installed, and runs for endpoint {found.endpoint}.")


def _look(settings: "Settings", found: "Instance") -> None:
    """What this computer lacks is told before anything is made; on a system that is too old nothing is. Raises GiveUp."""
    from workers import prerequisites
    from workers.commands.doctor import line

    system, *others = prerequisites.computer(settings.home)
    if not system.ok:
        raise errors.GiveUp(f"{system.detail}.", advice=system.advice, code="RSC-5968")
    for check in (*others, prerequisites.broker(front.broker(settings, found.endpoint))):
        if not check.ok:
            click.echo(line(check))


def _offer_removal(system: "System", earlier: "Found", *, replace: bool) -> None:
    """Of this product's services only those of another installation are earlier ones."""
    if earlier.is_ours:
        return
    what = "Microsoft's own connector, whose cloud is gone" if earlier.is_original else "of another installation of this product"
    click.echo(f"{earlier.name} is on this computer ({earlier.state}): {what}.")
    if replace or _is_wanted():
        system.remove(earlier)
        click.echo(f"{earlier.name} is removed.")
    else:
        click.echo("It stays. To take it away: rapidstart-worker service install --replace")


def _is_wanted() -> bool:
    """Nobody is asked where nobody can answer; Windows calls its NUL a terminal too."""
    try:
        return sys.stdin.isatty() and click.confirm("Remove it?", default=False)
    except click.Abort:
        click.echo()
        return False


@service.command("start")
@_named
def start(endpoint: str | None, instance: str | None) -> None:
    """Start the service of an endpoint; return when it runs."""
    _settings, found, system = _chosen(endpoint, instance)
    try:
        system.start(found.name)
    except errors.GiveUp as error:
        raise front.stop(error) from None
    click.echo(f"{system.name(found.name)} runs.")


@service.command("stop")
@_named
def stop(endpoint: str | None, instance: str | None) -> None:
    """Stop the service of an endpoint: its workers finish the calls in hand. Return when it has ended."""
    settings, found, system = _chosen(endpoint, instance)
    try:
        system.stop(found.name, within_s=_definition(settings, found).stop_s)
    except errors.GiveUp as error:
        raise front.stop(error) from None
    click.echo(f"{system.name(found.name)} has ended.")


@service.command("status")
@_named
def status(endpoint: str | None, instance: str | None) -> None:
    """Say what the service of an endpoint does. The exit code is 0 where it runs, else 1."""
    from workers.service import State

    _settings, found, system = _chosen(endpoint, instance)
    try:
        state = system.status(found.name)
    except errors.GiveUp as error:
        raise front.stop(error) from None
    click.echo(f"{system.name(found.name)}: {state}")
    raise SystemExit(0 if state is State.RUNNING else 1)


@service.command("uninstall")
@_named
def uninstall(endpoint: str | None, instance: str | None) -> None:
    """Stop the service of an endpoint and take it away. Settings, keys and log stay."""
    settings, found, system = _chosen(endpoint, instance)
    try:
        system.stop(found.name, within_s=_definition(settings, found).stop_s)
        system.uninstall(found.name)
    except errors.GiveUp as error:
        raise front.stop(error) from None
    click.echo(f"{system.name(found.name)} is removed.")


@service.command("move")
@click.option("--start", "again", is_flag=True, hidden=True, help="Another installation was tried, and has stopped them.")
def move(again: bool) -> None:
    """Have every service of this product run this installation: what an upgrade does. Those that ran run again."""
    from workers import instances
    from workers.service import State

    settings = front.settings()
    try:
        system = _system()
        earlier = [found for found in system.found() if not found.is_ours and not found.is_original]
        known = {system.name(each.name): each for each in instances.known(settings.home)}
        # Those that run come first: where one of them does not start again, those that were stopped are as they were.
        for found in sorted(earlier, key=lambda found: found.state is not State.RUNNING):
            if found.name in known:
                _move(system, known[found.name], start=again or found.state is State.RUNNING)
            else:
                advice = "Set RAPIDSTART_HOME to the folder of its settings, and call this again: rapidstart-worker service move"
                click.echo(f"{found.name} stays with another installation: its endpoint is not known here. {advice}")
    except errors.GiveUp as error:
        raise front.stop(error) from None


def _move(system: "System", each: "Instance", *, start: bool) -> None:
    definition = _definition(front.settings(endpoint=each.endpoint), each)
    system.stop(each.name, within_s=definition.stop_s)
    system.move(definition)
    if start:
        system.start(each.name)
    click.echo(f"{system.name(each.name)} runs this installation.")


@service.command("run")
@_named
@click.option("--max-workers", type=click.IntRange(0, 64), help="Processes at most (default: RAPIDSTART_MAX_WORKERS, 4).")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), hidden=True, help="RAPIDSTART_HOME, of a service.")
@click.option("--hosted", is_flag=True, hidden=True, help="Windows' service control manager has started it.")
def run(endpoint: str | None, instance: str | None, max_workers: int | None, home: Path | None, hosted: bool) -> None:
    """Keep as many workers running as the dispatcher wishes, in the foreground, until stopped.

    Where nothing is wished it keeps one. What is wished for an endpoint (rapidstart endpoint scale) is divided among the
    computers that run this service for it. Told to stop, it lets its workers finish; told twice, they end at once.
    """
    try:
        if hosted and instance:
            from workers.service.hosted import host

            host(_system().name(instance), lambda: _hosted(*_instance(endpoint, instance, home=home), max_workers=max_workers))
            return
        settings, found = _instance(endpoint, instance, home=home)
        front.log_to_stderr(settings, found.endpoint)
        _crew(settings, found, max_workers=max_workers).run()
    except errors.GiveUp as error:
        raise front.stop(error) from None


def _hosted(settings: "Settings", found: "Instance", *, max_workers: int | None) -> "Service":
    """A service of Windows has no terminal: its log is a file, and what an operator must know is in the event log."""
    import logging

    from workers.service.events import EventLog
    from workers.service.logfile import LogFile

    file = LogFile(settings.folder_of(found.endpoint) / "logs" / "service.log")
    sys.stdout = sys.stderr = file
    front.log_to_stderr(settings, found.endpoint)
    logging.getLogger().addHandler(EventLog())
    return _crew(settings, found, max_workers=max_workers, log=file)


def _crew(settings: "Settings", found: "Instance", *, max_workers: int | None, log: Any = None) -> "Service":
    """The service itself. Raises GiveUp."""
    from workers import crew, keeping, letters, wishes

    most = settings.max_workers if max_workers is None else max_workers
    keeping.narrow(settings.folder_of(found.endpoint))
    written = letters.open_letters(settings.folder_of(found.endpoint), endpoint=found.endpoint)
    talk = wishes.Talk(
        front.broker(settings, found.endpoint),
        endpoint=found.endpoint,
        most=most,
        letters=written,
        login=front.login(settings, found.endpoint),
    )
    command = crew.command(found.endpoint, home=settings.home, hosted=log is not None)
    members = crew.Crew(command, most=most, concurrency=settings.concurrency, listen=log.take if log else None)
    return crew.Service(members, talk, grace_s=settings.grace_s)


def _chosen(endpoint: str | None, instance: str | None) -> "tuple[Settings, Instance, System]":
    """What a command is about, and this computer's services. Ends the command where that is not known."""
    try:
        return *_instance(endpoint, instance), _system()
    except errors.GiveUp as error:
        raise front.stop(error) from None


def _instance(endpoint: str | None, instance: str | None, *, home: Path | None = None) -> "tuple[Settings, Instance]":
    """The instance that is meant, and its settings. Raises GiveUp, click.UsageError."""
    from workers import instances

    general = front.settings(home=home)
    named = endpoint or (None if instance else front.endpoint(None, general))
    found = instances.find(general.home, endpoint=named, instance=instance)
    return front.settings(endpoint=found.endpoint, home=home), found


def _remember(settings: "Settings", found: "Instance") -> None:
    """By its file an instance is found again, however it is named then."""
    from workers import instances

    instances.write(settings.home, found.endpoint, {"endpoint": found.endpoint, "instance": found.name})


def _definition(
    settings: "Settings", found: "Instance", *, account: str | None = None, password: str | None = None
) -> "Definition":
    from workers.service import Definition

    return Definition(
        endpoint=found.endpoint,
        instance=found.name,
        home=settings.home.absolute(),
        grace_s=settings.grace_s,
        account=account,
        password=password,
        aos=_aos(settings, found),
    )


def _aos(settings: "Settings", found: "Instance") -> str | None:
    """The service of the AOS that the endpoint was registered for: see `Definition.aos`."""
    from workers.enrol import finding, membership

    mine = next((each for each in membership.known(settings.home) if each.endpoint.casefold() == found.endpoint.casefold()), None)
    if mine is None:
        return None
    if not finding.is_here(mine.service_host):
        return ""
    named = [each for each in finding.installed() if mine.aos_instance in (each.name, str(each.number))]
    return f"AOS60${named[0].number:02d}" if named else None


def _system() -> "System":
    from workers import service

    return service.here()
