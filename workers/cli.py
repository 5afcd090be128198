"""The commands of the AOS side."""

import importlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from workers.commands import front

if TYPE_CHECKING:
    from workers.exchange import Exchange
    from workers.policy import Policy
    from workers.settings import Settings

#: Commands that live elsewhere and are loaded only when they run.
_ELSEWHERE: Final = {
    "doctor": "workers.commands.doctor:doctor",
    "service": "workers.commands.service:service",
    "settings": "workers.commands.form:settings",
    "simulate": "workers.simulator.command:simulate",
    "register": "workers.enrol.command:register",
    "unregister": "workers.enrol.command:unregister",
    "rotate": "workers.enrol.command:rotate",
}


class _Lazy(click.Group):
    """A group that imports a command when it is called: --help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, name = _ELSEWHERE[cmd_name].split(":")
        command: Any = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """RapidStart Connector, beside the AOS."""


@main.command()
@click.option("--endpoint", metavar="NAME", help="The endpoint that this worker belongs to (default: RAPIDSTART_ENDPOINT).")
@click.option("--concurrency", type=click.IntRange(1, 64), help="Calls to the AOS at once (default: RAPIDSTART_CONCURRENCY, 4).")
@click.option("--commands-on-stdin", is_flag=True, hidden=True, help="A worker service says there when to end.")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), hidden=True, help="RAPIDSTART_HOME, of a service.")
@click.option("--hosted", is_flag=True, hidden=True, help="Windows runs the worker service of this one.")
def run(endpoint: str | None, concurrency: int | None, commands_on_stdin: bool, home: Path | None, hosted: bool) -> None:
    """Carry out the jobs of an endpoint, until stopped.

    Told to stop, it finishes the calls in hand, for up to RAPIDSTART_GRACE_S. Told twice, it ends at once.
    """
    from connector import __version__
    from workers import app, errors, keeping, letters, tracing

    settings = front.settings(endpoint=endpoint, home=home)
    endpoint = front.endpoint(endpoint, settings)
    front.log_to_stderr(settings, endpoint)
    if hosted:
        from workers.service.events import EventLog

        logging.getLogger().addHandler(EventLog())
    keeping.narrow(settings.folder_of(endpoint))
    try:
        written = letters.open_letters(settings.folder_of(endpoint), endpoint=endpoint)
        policy = _policy(settings, endpoint, is_registered=written.is_sealed)
        door = front.door(settings, keep_in=settings.folder_of(endpoint) / "contracts")
        worker = app.create(
            front.broker(settings, endpoint),
            endpoint=endpoint,
            concurrency=concurrency or settings.concurrency,
            door=door,
            exchange=_exchange(settings),
            spool=settings.folder_of(endpoint) / "spool",
            grace_s=settings.grace_s,
            letters=written,
            policy=policy,
            login=front.login(settings, endpoint),
        )
        end_traces = tracing.start(settings.otlp_url, endpoint=endpoint, version=__version__) if settings.otlp_url else None
    except errors.GiveUp as error:
        raise front.stop(error) from None
    try:
        worker.run(commands=sys.stdin.fileno() if commands_on_stdin else None)
    finally:
        if end_traces:
            end_traces()


def _policy(settings: "Settings", endpoint: str, *, is_registered: bool) -> "Policy | None":
    """What this computer allows, and a line of the log that says it. Raises GiveUp."""
    from workers import policy

    file = settings.policy_file or settings.folder_of(endpoint) / policy.FILE
    found = policy.load(file, needed=is_registered or settings.policy_file is not None)
    logging.getLogger(__name__).info("%s", policy.told(found), extra={"action": "policy_read"})
    return found


def _exchange(settings: "Settings") -> "Exchange":
    """The folders that the settings name. Nothing is looked at yet."""
    from workers.documents import FlatFormat
    from workers.exchange import Exchange, FilePort, Folder, Framework, OnError

    ports = {
        name: FilePort(
            name=name,
            folder=Folder(said.inbound, title=f"file port {name}", outbound=said.outbound),
            on_error=OnError(said.on_error),
            answer_within_s=said.answer_within_s,
        )
        for name, said in settings.aif_files.items()
    }
    if settings.dixf is None:
        return Exchange(file_ports=ports)
    said = settings.dixf
    folder = Folder(said.directory, title="the Data Import/Export Framework", outbound=said.results)
    form = FlatFormat(**said.model_dump(exclude={"directory", "results", "answer_within_s"}))
    return Exchange(file_ports=ports, dixf=Framework(folder=folder, format=form, answer_within_s=said.answer_within_s))
