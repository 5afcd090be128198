"""`rapidstart-worker register` and `unregister`."""

import json
import platform
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from connector import __version__
from workers.enrol import finding, letterbox, membership, probing
from workers.enrol.device import Begun, Dispatcher, Given
from workers.enrol.finding import Found
from workers.enrol.probing import Told
from workers.errors import GiveUp, Retry, WorkerError
from workers.settings import Settings

_PORT: Final = click.IntRange(1, 65535)
#: So many companies stand in a line.
_MOST_NAMED: Final = 10


@click.command()
@click.option("--service-host", metavar="HOST", help="The AOS' computer, or the web site of its ports: http://AOSPROD01:80.")
@click.option("--dispatcher", metavar="URL", help="The dispatcher's address (default: RAPIDSTART_API_URL).")
@click.option("--aos-instance", metavar="N|NAME", help="Which AOS on that computer; 1 is the first. On it, the name will do.")
@click.option("--endpoint", default="", metavar="NAME", help="What it is called here. Left out: as before, or after its host.")
@click.option("--port", "ports", multiple=True, metavar="NAME", help="An integration port there; repeatable. Default RapidStart.")
@click.option("--company", "companies", multiple=True, metavar="C", help="A company that may be loaded into; repeatable.")
@click.option("--partition", default="", help="The data partition, where it is not the default one.")
@click.option("--wsdl-port", type=_PORT, help="Where the AOS tells its contracts, if not as counted up.")
@click.option("--services-port", type=_PORT, help="Where its services are (net.tcp), if not as counted up.")
@click.option("--yes", is_flag=True, help="Take the values as they are found, and ask nothing.")
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path), help="A one-time token, for scripts.")
@click.option("--ca-file", help="The authority (PEM) of the dispatcher's and the broker's certificates.")
@click.option("--client-certificate", metavar="FILE", help="What the broker is shown where it wants one: PEM, with its key.")
@click.option("--allow-plain-http", is_flag=True, help="Send credentials over http, where they can be read on the way.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def register(
    service_host: str | None,
    dispatcher: str | None,
    endpoint: str,
    yes: bool,
    token_file: Path | None,
    ca_file: str | None,
    client_certificate: str | None,
    allow_plain_http: bool,
    as_json: bool,
    **told: Any,
) -> None:
    """Make this computer a machine of an endpoint: fill in, show, activate, wait.

    It prints an address and a short code; an administrator opens the address, compares, and approves. Registering the same
    host and instance again updates the endpoint.
    """
    settings = _settings()
    service_host = service_host or ("" if yes or as_json else click.prompt("Service host", default=platform.node()))
    if not service_host:
        raise click.UsageError("Name the AOS' computer: --service-host AOSPROD01.")
    url = dispatcher or settings.api_url
    if not url:
        raise click.UsageError("Name the dispatcher: --dispatcher https://..., or RAPIDSTART_API_URL.")
    with _ending():
        asked = Dispatcher(url, ca_file=ca_file, allow_plain_http=allow_plain_http)
        token = _token(token_file)
        found = _look(_find(service_host, **told), settings, quiet=as_json)
        if not (yes or as_json):
            found = _agreed(found, settings)
        key_file, public = membership.key_for(settings.home, found, endpoint=endpoint)
        begun = asked.begin(_form(found, endpoint, key=public.text), token=token)
        _tell_begun(begun, found, public.fingerprint, as_json=as_json)
        given = asked.wait(begun)
        is_new = membership.settle(
            settings.home,
            given,
            found,
            key_file=key_file,
            broker_url=letterbox.login_for(key_file, given),
            dispatcher=asked.url,
            ca_file=ca_file,
            client_certificate=client_certificate,
        )
    _tell_given(given, found, has_new_policy=is_new, as_json=as_json)


@click.command()
@click.option("--endpoint", metavar="NAME", help="The endpoint (default: RAPIDSTART_ENDPOINT, or the only one of this computer).")
@click.option("--force", is_flag=True, help="Forget it here even where the dispatcher does not know of it, or is away.")
@click.option("--ca-file", help="The authority (PEM) of the dispatcher's certificate.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def unregister(endpoint: str | None, force: bool, ca_file: str | None, as_json: bool) -> None:
    """Let this computer be a machine of an endpoint no more: its key and its login are worth nothing from then on.

    The endpoint itself stays with the dispatcher, and so does the policy file on this computer.
    """
    settings = _settings()
    with _ending():
        mine = _membership(endpoint or settings.endpoint, membership.known(settings.home))
        trouble = ""
        try:
            letterbox.leave(settings.folder_of(mine.endpoint), mine, ca_file=ca_file)
        except WorkerError as error:
            if not force:
                there = f"rapidstart endpoint revoke {mine.endpoint} --machine {platform.node()}"
                error.advice = f"Forget it on this computer all the same: --force. Then, at the dispatcher: {there}"
                raise
            trouble = error.message
        membership.forget(settings.home, mine.endpoint)
    if as_json:
        click.echo(json.dumps({"unregistered": mine.endpoint, "trouble": trouble}))
        return
    click.echo(f"This computer is no machine of {mine.endpoint} any more.")
    if trouble:
        click.echo(f"The dispatcher was not told: {trouble}", err=True)


@click.command()
@click.option("--endpoint", metavar="NAME", help="The endpoint (default: RAPIDSTART_ENDPOINT, or the only one of this computer).")
@click.option("--finish", is_flag=True, help="End the login of before at once, and what still uses it.")
@click.option("--ca-file", help="The authority (PEM) of the dispatcher's certificate.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def rotate(endpoint: str | None, finish: bool, ca_file: str | None, as_json: bool) -> None:
    """Have a new login at the broker. Nothing stops: the workers here go over to it by themselves, within seconds.

    The login of before ends when nobody uses it any more, after a quarter of an hour at the latest, or at once by --finish:
    with it end the connections that were made by it, whoever made them.
    """
    settings = _settings()
    with _ending():
        mine = _membership(endpoint or settings.endpoint, membership.known(settings.home))
        change = letterbox.finish if finish else letterbox.renew
        change(settings.folder_of(mine.endpoint), mine, ca_file=ca_file)
    if as_json:
        click.echo(json.dumps({"endpoint": mine.endpoint, "finished": finish}))
    elif finish:
        click.echo(f"The login of before of {mine.endpoint} is worth nothing any more.")
    else:
        click.echo(f"{mine.endpoint} has a new login, and its workers go over to it.")
        click.echo("The one before ends when none of them uses it any more; at once: rapidstart-worker rotate --finish")


def _find(
    service_host: str,
    *,
    aos_instance: str | None,
    ports: Sequence[str],
    companies: Sequence[str],
    partition: str,
    wsdl_port: int | None,
    services_port: int | None,
) -> Found:
    """What the host's name tells, and what was said instead."""
    found = finding.find(
        service_host,
        aos_instance=aos_instance,
        ports=ports,
        companies=companies,
        partition=partition,
        installed=finding.installed(),
    )
    return finding.changed(found, wsdl_port=wsdl_port, services_port=services_port)


def _look(found: Found, settings: Settings, *, quiet: bool, fill: bool = True) -> Found:
    """What the AOS tells is shown, and fills in companies and partition where nothing was said of them.

    Where this computer is registered for it already they stay as the dispatcher has them.
    """
    if not quiet:
        click.echo(f"Reading {found.service_host} ...")
    told = probing.ask(found, settings)
    is_known = membership.knows(settings.home, found)
    full = found
    if fill and not is_known:
        companies, partition = found.companies or tuple(told.companies), found.partition or told.partition
        full = finding.changed(found, companies=companies, partition=partition)
    if not quiet:
        _show(full, told, said=found, otherwise="as registered before" if is_known else "")
        if not (full.companies or is_known):
            click.echo("No company is named: loads into any of them would be let through. Name them, or --company C.")
    return full


def _show(found: Found, told: Told, *, said: Found, otherwise: str) -> None:
    """What is `said` already stands as it is; beside the rest, how it is known."""
    where = found.site or f"{found.rpc_port} / {found.wsdl_port} / {found.services_port}"
    companies = f"{_line(found.companies)} ({told.of_companies})" if found.companies else told.of_companies
    partition = f"{found.partition} ({told.of_partition})" if found.partition else told.of_partition
    rows = {
        "AOS instance": f"{found.aos_instance} ({found.how})",
        "Web site" if found.site else "RPC / WSDL / services": where,
        "Integration ports": ", ".join(found.ports),
        "Services": told.services,
        "Companies": _line(said.companies) or otherwise or companies,
        "Partition": said.partition or otherwise or partition,
        "Worker account": f"{finding.account()} (this user)",
    }
    for name, value in rows.items():
        click.echo(f"  {name:<22}{value}")


def _line(companies: Sequence[str]) -> str:
    more = f" and {len(companies) - _MOST_NAMED} more" if len(companies) > _MOST_NAMED else ""
    return ", ".join(companies[:_MOST_NAMED]) + more


def _agreed(found: Found, settings: Settings) -> Found:
    """The values once the person at the keyboard agrees to them. What was changed is looked at again."""
    while not click.confirm("Is this right?", default=True):
        found = _look(_changed(found), settings, quiet=False, fill=False)
    return found


def _changed(found: Found) -> Found:
    """Each value as the person wants it. Another instance brings the ports that are its own."""
    instance = click.prompt("AOS instance", default=found.aos_instance)
    if instance != found.aos_instance:
        found = finding.find(
            found.site or found.service_host,
            aos_instance=instance,
            ports=found.ports,
            companies=found.companies,
            partition=found.partition,
            installed=finding.installed(),
        )
    return finding.changed(
        found,
        rpc_port=None if found.site else click.prompt("RPC port", default=found.rpc_port, type=_PORT),
        wsdl_port=None if found.site else click.prompt("WSDL port", default=found.wsdl_port, type=_PORT),
        services_port=None if found.site else click.prompt("Services port", default=found.services_port, type=_PORT),
        ports=_words(click.prompt("Integration ports", default=" ".join(found.ports))),
        companies=_words(click.prompt("Companies (- for none)", default=" ".join(found.companies)).upper()),
        partition=_word(click.prompt("Partition (- for none)", default=found.partition)),
    )


def _word(text: str) -> str:
    return "" if text.strip() == "-" else text.strip()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split() if word != "-")


def _form(found: Found, endpoint: str, *, key: str) -> dict[str, str | Sequence[str]]:
    return {
        "machine": platform.node(),
        "service_host": found.service_host,
        "aos_instance": found.aos_instance,
        "endpoint": endpoint,
        "addresses": found.addresses,
        "companies": found.companies,
        "partition": found.partition,
        "account": finding.account(),
        "version": __version__,
        "key": key,
    }


def _tell_begun(begun: Begun, found: Found, fingerprint: str, *, as_json: bool) -> None:
    minutes = round(begun.expires_in_s / 60)
    if as_json:
        told = {"endpoint": begun.endpoint, "means": begun.means, "url": begun.url_complete, "code": begun.user_code}
        filled = {"companies": found.companies, "partition": found.partition, "addresses": found.addresses}
        click.echo(json.dumps({**told, **filled, "fingerprint": fingerprint, "minutes": minutes}))
        return
    click.echo(f"\nThis would be {begun.means}: {begun.endpoint}")
    click.echo(f"Activate this endpoint:   {begun.url_complete}")
    click.echo(f"  or open {begun.url} and type  {begun.user_code}     (valid {minutes} min)")
    click.echo(f"This computer's key is  {fingerprint}: the page must show the same.")
    click.echo("Waiting for approval ...")


def _tell_given(given: Given, found: Found, *, has_new_policy: bool, as_json: bool) -> None:
    if as_json:
        told = {"endpoint": given.endpoint, "service_instance": given.service_instance, "trouble": given.trouble}
        click.echo(json.dumps(told | {"told": "Endpoint updated successfully."}))
        return
    click.echo(f'Approved for service instance "{given.service_instance}".')
    click.echo(f"Endpoint updated successfully.   {given.endpoint}  ·  {found.service_host}/{found.aos_instance}")
    kept = "Its policy file allows these addresses and companies" if has_new_policy else "Its policy file stays as it was"
    click.echo(f"{kept}; class calls and folders are added to it by hand.")
    if given.trouble:
        click.echo(f"Its login does not work yet: {given.trouble}", err=True)
    click.echo(f"Start its worker:  rapidstart-worker run --endpoint {given.endpoint}")


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--token-file {file.name} cannot be read.") from error


def _membership(named: str | None, known: Sequence[membership.Membership]) -> membership.Membership:
    found = [each for each in known if named is None or each.endpoint.casefold() == named.casefold()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.endpoint for each in known) or "none"
    raise GiveUp("that names no endpoint of this computer.", advice=f"It is registered for: {names}.", code="RSC-5987")


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:  # its value may be secret
        first = error.errors()[0]
        raise click.UsageError(f"RAPIDSTART_{str(first['loc'][0]).upper()} is wrong: {first['msg']}.") from None
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"worker.toml cannot be read: {error}.") from None


@contextmanager
def _ending() -> Iterator[None]:
    """Ends the process with a line on standard error: 3 where it was refused, 4 where nobody answered."""
    try:
        yield
    except WorkerError as error:
        click.echo(f"Error: {error.message} {error.advice}".rstrip(), err=True)
        raise SystemExit(4 if isinstance(error, Retry) else 3) from None
