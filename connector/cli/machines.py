"""`endpoint revoke`, `endpoint credentials` and `rapidstart registration-token`: the machines of endpoints."""

from pathlib import Path
from urllib.parse import quote

import click

from connector import registrations
from connector.cli import front


@click.command()
@click.argument("name")
@click.option("--machine", metavar="M", help="Only this one, by its computer's name or its key's fingerprint. Left out: all.")
@front.json_option
def revoke(name: str, machine: str | None, as_json: bool) -> None:
    """Trust machines of an endpoint no more and end their logins at the broker, whether their workers are there or not."""
    found = front.client().ask(
        registrations.Revoked, "POST", f"/endpoints/{quote(name, safe='')}/revoke", json={"machine": machine}
    )  # fmt: skip
    if as_json:
        front.emit(found)
        return
    for each in found["items"]:
        click.echo(f"{front.printable(each['machine'])} {each['fingerprint']} is trusted no more.")


@click.command()
@click.argument("name")
@click.option("--print", "printed", is_flag=True, required=True, help="The commands for a broker that is administered by hand.")
@front.json_option
def credentials(name: str, printed: bool, as_json: bool) -> None:  # noqa: ARG001 - it must be said
    """The logins of an endpoint's machines, as commands for a broker that the dispatcher may not administer.

    They hold digests of passwords, never a password.
    """
    path = f"/endpoints/{quote(name, safe='')}/credentials"
    for each in front.client().ask(registrations.LoginCommands, "GET", path)["items"]:
        if as_json:
            front.emit(each)
        else:
            click.echo(f"# {front.printable(each['machine'])} {each['fingerprint']}")
            click.echo(each["command"])


@click.group("registration-token")
def registration_token() -> None:
    """One-time tokens by which scripts register machines: rapidstart-worker register --token-file FILE."""


@registration_token.command()
@click.option("--service-instance", default="Default", show_default=True, metavar="NAME", help="Where its endpoint belongs.")
@click.option("--endpoint", default="", metavar="E", help="Let it add a further machine to this endpoint.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a new file, for its owner alone.")
@front.json_option
def create(service_instance: str, endpoint: str, out: Path | None, as_json: bool) -> None:
    """Make a token, good for one machine within the hour, and print it, this once."""
    if out is not None and out.exists():
        raise click.UsageError(f"{out.name} is there already; it is not overwritten.")
    body = {"service_instance": service_instance, "endpoint": endpoint}
    made = front.client().ask(registrations.NewRegistration, "POST", "/registration-tokens", json=body)
    if out is not None:
        out.touch(mode=0o600, exist_ok=False)
        out.write_text(f"{made['secret']}\n", encoding="utf-8")
        click.echo(f"Written to {out.name}; it expires at {made['token']['expires_at']}.", err=True)
    elif as_json:
        front.emit(made)
    else:
        click.echo(f"It registers one machine, until {made['token']['expires_at']}:", err=True)
        click.echo(made["secret"])


@registration_token.command("list")
@front.json_option
def listing(as_json: bool) -> None:
    """The tokens that are still good, without their secrets."""
    for each in front.client().pages("/registration-tokens", registrations.RegistrationPage):
        if as_json:
            front.emit(each)
        else:
            what = f" for {each['endpoint']}" if each["endpoint"] else ""
            told = f"{each['key']}  {each['service_instance']}{what}, of {each['made_by']}, until {each['expires_at']}"
            click.echo(front.printable(told))


@registration_token.command("revoke")
@click.argument("key")
@front.json_option
def withdraw(key: str, as_json: bool) -> None:
    """Make a token worthless, at once."""
    front.client().tell("DELETE", f"/registration-tokens/{quote(key, safe='')}")
    if as_json:
        front.emit({"revoked": key})
    else:
        click.echo(f"{front.printable(key)} is worth nothing any more.")
