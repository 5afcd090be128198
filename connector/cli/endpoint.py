"""`rapidstart endpoint`: the AOS instances that are registered here."""

import time
from pathlib import Path
from typing import Any, Final

import click

from connector import api
from connector.cli import exits, front, limits, machines
from connector.cli.exits import Exit
from connector.cli.scale import scale as scale_command

#: How long a command waits for a worker to answer.
_ANSWER_S: Final = 90.0


@click.group()
def endpoint() -> None:
    """The AOS instances that are registered here. A name has up to 40 letters, digits, - and _."""


def _virtual(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, list[str]]:
    """NAME=C,C by name."""
    found: dict[str, list[str]] = {}
    for text in given:
        name, _sign, companies = text.partition("=")
        found[name.strip()] = [company.strip() for company in companies.split(",") if company.strip()]
        if not name.strip() or len(found[name.strip()]) < 2:
            raise click.BadParameter(f"{text!r} names no virtual company: write VIR=USMF,DEMF.")
    return found


@endpoint.command()
@click.argument("name")
@click.option("--url", help="The AOS' web origin (http://HOST:PORT), or the full .svc or net.tcp address.")
@click.option("--host", help="Instead of --url: the AOS' computer, which is then spoken to over net.tcp.")
@click.option(
    "--instance",
    type=click.IntRange(1, 99),
    help="With --host: the number of the AOS on it (services 8201, WSDL 8101, RPC 2712: 1).",
)
@click.option("--services-port", type=click.IntRange(101, 65535), help="With --host: another port than 8200 + instance.")
@click.option("--wsdl-port", type=click.IntRange(1, 65535), help="With --host: another port than 8100 + instance.")
@click.option("--port", "ports", multiple=True, metavar="NAME", help="An integration port there; repeatable. Default RapidStart.")
@click.option(
    "--contract", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder with the port's WSDL and XSD."
)
@click.option("--company", "companies", multiple=True, metavar="C", help="A company that may be loaded into; repeatable.")
@click.option("--partition", help="The data partition, where it is not the default one.")
@click.option("--database", help="A name for its AX database, where other endpoints write to the same one.")
@click.option(
    "--scope",
    type=click.Choice(["company", "virtual company", "partition", "installation"]),
    help="How far what loads write reaches, where mapping and metadata do not say. Not given: one load at a time.",
)
@click.option(
    "--service-instance",
    metavar="NAME",
    help="The named deployment that it belongs to; tokens and people may be limited to some. Left out: Default.",
)
@click.option(
    "--virtual-company",
    "virtual_companies",
    multiple=True,
    callback=_virtual,
    metavar="NAME=C,C",
    help="Companies that share tables by a virtual company: loads into them exclude each other; repeatable.",
)
@click.option("--replace", is_flag=True, help="It is registered: change what is named here, and leave the rest as it was.")
@click.option(
    "--idempotent/--not-idempotent",
    default=None,
    help="Whether AX refuses a message that it has seen (EnableIdempotence). If not, no call of unknown end is made again.",
)
@click.option("--not-idempotent-port", "ports_not", multiple=True, metavar="NAME", help="Not so at this port alone; repeatable.")
@limits.options
@front.json_option
def add(
    name: str,
    contract: Path | None,
    companies: tuple[str, ...],
    partition: str | None,
    database: str | None,
    scope: str | None,
    virtual_companies: dict[str, list[str]],
    service_instance: str | None,
    idempotent: bool | None,
    ports_not: tuple[str, ...],
    replace: bool,
    as_json: bool,
    **named: Any,
) -> None:
    """Register an AOS instance by hand. Nobody is contacted: a worker's first survey does that."""
    from connector.cli import contracts
    from connector.wire.routes import ENDPOINT_NAME

    if not ENDPOINT_NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} cannot name an endpoint: use up to 40 letters, digits, - and _.")
    place = {word: named.pop(word) for word in ("url", "host", "instance", "services_port", "wsdl_port", "ports")}
    told: dict[str, Any] = {
        "companies": list(companies) or None,
        "partition": partition,
        "database": database,
        "scope": scope,
        "virtual_companies": virtual_companies or None,
        "service_instance": service_instance,
        "not_idempotent": _not_idempotent(idempotent, ports_not),
        "contract": contracts.packed(contract) if contract else None,
    }
    if replace:
        addresses = _addresses(contract=contract, **place) if any(place.values()) else None
        _show(_replaced(name, {"addresses": addresses, **told}, named), as_json=as_json)
        return
    bears = limits.wanted(named) if any(value is not None for value in named.values()) else None
    added = front.client().add_endpoint(name, addresses=_addresses(contract=contract, **place), limits=bears, **told)
    if as_json:
        front.emit(added)
        return
    click.echo(f"Endpoint {name} registered: {front.printable(', '.join(added['addresses']))}")
    click.echo(f"Start a worker beside it: rapidstart-worker run --endpoint {name}")


def _replaced(name: str, told: dict[str, Any], named: dict[str, Any]) -> api.Endpoint:
    """Change what is told of an endpoint: whether calls may be repeated at any time, all else while it has no jobs."""
    if any(value is not None for value in named.values()):
        raise click.UsageError(f"What it bears is set by: rapidstart endpoint limit {name}")
    client = front.client()
    if any(value is not None for value in told.values()):
        return client.change_endpoint(name, **{word: value for word, value in told.items() if value is not None})
    return client.endpoint(name)


def _not_idempotent(idempotent: bool | None, ports: tuple[str, ...]) -> list[str] | None:
    """The ports that carry a message out again which they have seen; None where nothing is said of it."""
    if idempotent is not None and ports:
        raise click.UsageError("--not-idempotent-port goes without --idempotent and --not-idempotent, which mean every port.")
    return list(ports) or (None if idempotent is None else [] if idempotent else ["*"])


def _addresses(
    *,
    url: str | None,
    host: str | None,
    instance: int | None,
    services_port: int | None,
    wsdl_port: int | None,
    ports: tuple[str, ...],
    contract: Path | None,
) -> list[str]:
    """Where the AOS is, as it was named. Raises click.UsageError."""
    from connector.cli import contracts

    if bool(url) is bool(host) or (url and (instance or services_port or wsdl_port)):
        raise click.UsageError("Name the AOS by --url, or by --host with --instance, --services-port and --wsdl-port.")
    if host:
        return contracts.of_instance(
            host, instance=instance or 1, ports=ports, services_port=services_port, wsdl_port=wsdl_port
        )  # fmt: skip
    return contracts.addresses(url or "", ports=ports, contract=contract)


@endpoint.command("list")
@front.json_option
def list_(as_json: bool) -> None:
    """All endpoints, their workers, and what waits for them."""
    found = front.client().endpoints()
    if as_json:
        for each in found:
            front.emit(each)
        return
    from connector.cli.tables import endpoints_table

    register = f"rapidstart-worker register --service-host HOST --dispatcher {front.settings().api_url}"
    front.console().print(
        endpoints_table(found) if found else f"No endpoints yet. On the computer of an AOS: {register}", soft_wrap=True
    )


@endpoint.command()
@click.argument("name")
@front.json_option
def show(name: str, as_json: bool) -> None:
    """One endpoint, its workers, and what was last checked."""
    _show(front.client().endpoint(name), as_json=as_json)


@endpoint.command()
@click.argument("name")
@front.json_option
def test(name: str, as_json: bool) -> int:
    """Have a worker find out whether the AOS can be reached, and what it lets the worker do."""
    client = front.client()
    ended = _await_answer(client.test_endpoint(name))
    found = client.endpoint(name)
    code = exits.of_job(ended)
    if code is Exit.DONE and not all(check["ok"] for check in found["checks"]):
        code = Exit.NOT_REACHABLE
    if as_json:
        front.emit({"job": ended, "checks": found["checks"]})
        return code
    from connector.cli.tables import print_checks

    print_checks(front.console(), found["checks"])
    if ended["state"] == "failed" and all(check["ok"] for check in found["checks"]):
        front.tell_error(ended)  # why there is no answer; what a check says is not said twice
    return code


@endpoint.command()
@click.argument("name")
@front.json_option
def pause(name: str, as_json: bool) -> None:
    """Send nothing to an endpoint until it is resumed; its jobs wait."""
    _show(front.client().pause_endpoint(name), as_json=as_json)


@endpoint.command()
@click.argument("name")
@front.json_option
def resume(name: str, as_json: bool) -> None:
    """Send work to an endpoint again."""
    _show(front.client().resume_endpoint(name), as_json=as_json)


@endpoint.command()
@click.argument("name")
@front.json_option
def remove(name: str, as_json: bool) -> None:
    """Forget an endpoint. Refused while it has unfinished jobs."""
    front.client().remove_endpoint(name)
    if as_json:
        front.emit({"removed": name})
    else:
        click.echo(f"Endpoint {name} is forgotten; its past jobs stay.")


@endpoint.command()
@click.argument("name")
@front.json_option
def companies(name: str, as_json: bool) -> None:
    """The companies that are named for an endpoint, and what AX said of each at the last test."""
    found = front.client().endpoint(name)
    said = {company: _said_of(company, found["checks"]) for company in found["companies"]}
    for company, check in said.items():
        if as_json:
            front.emit({"company": company, "ok": check["ok"] if check else None, "detail": check["detail"] if check else ""})
        else:
            mark = f"  {'✓' if check['ok'] else '✗'} {check['detail']}" if check else ""
            click.echo(front.printable(f"{company}{mark}"))
    if not said and not as_json:
        click.echo("None are named: a load into any company is tried. The AOS has the last word.", err=True)
    if not as_json and not all(said.values()):
        click.echo(
            f"Only the table service lists the companies of AX. What AX says of one: rapidstart endpoint test {name}",
            err=True,
        )


@endpoint.command()
@click.argument("name")
@click.option("--refresh", is_flag=True, help="Have a worker read the contracts anew first.")
@click.option(
    "--show", multiple=True, metavar="NAME", help="The fields of a table, or the parameters of an operation; repeatable."
)
@click.option("--import", "imports", is_flag=True, help="Have a worker import AX's data dictionary, over net.tcp.")
@click.option("--language", default="en-us", show_default=True, help="With --import: of the labels.")
@click.option("--services-only", is_flag=True, help="With --import: services and their operations alone.")
@click.option("--watch", is_flag=True, help="With --import: follow it to its end.")
@click.option("--host", help="With --import: the AOS' computer, where the endpoint has HTTP addresses alone.")
@click.option("--instance", type=click.IntRange(1, 99), help="With --host: the number of the AOS on it (services 8201: 1).")
@click.option("--table", "tables", multiple=True, metavar="T", help="A table of the data dictionary; with --import: it alone.")
@click.option("--enum", "enums", multiple=True, metavar="E", help="An enumeration of the data dictionary; repeatable.")
@click.option("--service", "services", multiple=True, metavar="S", help="A service of the data dictionary; repeatable.")
@click.option("--class", "classes", multiple=True, metavar="C", help="A class of the data dictionary; repeatable.")
@click.option("--search", metavar="TEXT", default="", help="What in the data dictionary has this in its name or label.")
@front.json_option
def metadata(
    name: str, refresh: bool, show: tuple[str, ...], imports: bool, as_json: bool, language: str, watch: bool, **asked: Any
) -> int:
    """The services, tables and fields that a load can write to; --json has all of it.

    What AX itself knows of its tables, enumerations, services and classes is imported once, and shown by their names.
    """
    client = front.client()
    services_only, place = asked.pop("services_only"), _metadata_service(asked.pop("host"), asked.pop("instance"))
    if imports:
        from connector.cli import dictionaries

        return dictionaries.start(
            client, name, dictionaries.Import(language, services_only, asked["tables"], place), watch=watch, as_json=as_json
        )
    if services_only or watch or place:
        raise click.UsageError("--services-only, --watch and --host go with --import.")
    if any(asked.values()):
        from connector.cli import dictionaries

        return dictionaries.show(client, name, asked, as_json=as_json)
    if refresh:
        survey = _await_answer(client.survey_endpoint(name))
        if exits.of_job(survey) is not Exit.DONE or survey["state"] not in api.FINAL_STATES:
            front.tell_error(survey)
            return Exit.NOT_REACHABLE
    found = client.metadata(name)
    if as_json:
        front.emit(found)
        return Exit.DONE
    return _print_metadata(name, found, show)


def _metadata_service(host: str | None, instance: int | None) -> str:
    """The address of the MetadataService of an AOS; "" where none is named. Raises click.UsageError."""
    from connector.cli import contracts

    if instance and not host:
        raise click.UsageError("--instance goes with --host.")
    named = ("MetadataService",)
    return contracts.of_instance(host, instance=instance or 1, ports=named, services_port=None, wsdl_port=None)[0] if host else ""


endpoint.add_command(scale_command)
endpoint.add_command(machines.revoke)
endpoint.add_command(machines.credentials)


endpoint.add_command(limits.limit)


def _show(found: api.Endpoint, *, as_json: bool) -> None:
    if as_json:
        front.emit(found)
        return
    from connector.cli.tables import print_endpoint

    print_endpoint(front.console(), found)


def _await_answer(job: api.Job) -> api.Job:
    """A survey's end. One that no worker takes up is told as it stands."""
    from connector.cli import watching, words
    from connector.errors import NotReachable

    end = time.monotonic() + _ANSWER_S

    def until(seen: api.Job) -> bool:
        lonely = seen["state"] == "waiting" and time.monotonic() > end - _ANSWER_S + 5
        return watching.ended(seen) or lonely or time.monotonic() > end

    (seen,) = watching.follow(front.client(), [job["id"]], show=lambda _: None, until=until)
    if not watching.ended(seen):
        raise NotReachable(
            f"no worker has answered yet: {words.headline(seen)}.",
            advice="The question stays: a worker that comes answers it.",
        )
    return seen


def _said_of(company: str, checks: list[api.Check]) -> api.Check | None:
    """What the last test says of a company: the first bad word, else a good one."""
    about = [check for check in checks if _company_of(check).casefold() == company.casefold()]
    return min(about, key=lambda check: check["ok"], default=None)


def _company_of(check: api.Check) -> str:
    """The company that a check of a connection test is about: "Port Setup, company USMF, partition initial"."""
    return check["name"].partition(", company ")[2].partition(",")[0]


def _print_metadata(name: str, raw: dict[str, Any], show: tuple[str, ...]) -> Exit:
    from connector.cli import contents, dictionaries
    from connector.wire.metadata import Metadata

    found = Metadata.model_validate(raw)
    if not show:
        contents.print_overview(front.console(), found, endpoint=name, read_at=raw.get("surveyed_at"))
        dictionaries.print_known(front.console(), dictionaries.known(front.client(), name))
        return Exit.DONE
    missing = contents.print_some(front.console(), found, show)
    for each in missing:
        click.echo(f"Error: {name} has no table or operation named {front.printable(each)}.", err=True)
    return Exit.REFUSED if missing else Exit.DONE
