"""`rapidstart token` and `rapidstart whoami`: who may use the dispatcher, and who you are to it."""

import click

from connector import rights
from connector.cli import front

#: What somebody is given: a role, for how much, for how long.
role_option = click.option(
    "--role",
    type=click.Choice([role.value for role in rights.Role]),
    required=True,
    help="administrator: everything; operator: load, steer jobs, pause and test endpoints; viewer: look.",
)
instances_option = click.option(
    "--service-instance",
    "instances",
    multiple=True,
    metavar="NAME",
    help="Only endpoints of this service instance; may be repeated. Left out: all.",
)


@click.group()
def token() -> None:
    """API tokens, by which programs and other computers use the dispatcher."""


@token.command()
@click.argument("name")
@role_option
@instances_option
@click.option("--days", type=click.IntRange(1, 3660), help="It expires after so many days. Left out: never.")
@front.json_option
def create(name: str, role: str, instances: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Make a token and print it, this once. Programs are given it by RAPIDSTART_TOKEN_FILE, or RAPIDSTART_TOKEN."""
    made = front.accounts().create_token(name, role=role, service_instances=instances, days=days)
    if as_json:
        front.emit(made)
        return
    click.echo(f"The token {front.printable(name)}, told this once:", err=True)
    click.echo(made["secret"])


@token.command("list")
@front.json_option
def listing(as_json: bool) -> None:
    """All tokens, without their secrets."""
    from rich.table import Table

    from connector.cli import words

    found = front.accounts().tokens()
    if as_json:
        for each in found:
            front.emit(each)
        return
    table = Table(
        "Token", "Kind", "Role", "Service instances", "Expires", "Last used", box=None, header_style="bold", pad_edge=False
    )
    for each in found:
        handle = each["name"] if each["kind"] == "token" else f"{each['key']} ({each['name']})"
        expires = words.local(each["expires_at"]) or "never"
        instances = reach(each["service_instances"])
        table.add_row(front.printable(handle), each["kind"], each["role"], instances, expires, words.ago(each["used_at"]))
    front.console().print(table)


@token.command()
@click.argument("name")
@front.json_option
def revoke(name: str, as_json: bool) -> None:
    """Make a token worthless, at once."""
    front.accounts().revoke_token(name)
    if as_json:
        front.emit({"revoked": name})
        return
    click.echo(f"The token {front.printable(name)} is worth nothing any more.")


@click.command()
@front.json_option
def whoami(as_json: bool) -> None:
    """Who you are to the dispatcher, and what you may do."""
    found = front.accounts().whoami()
    if as_json:
        front.emit(found)
        return
    click.echo(f"{front.printable(found['name'])}: {found['role']}, service instances: {reach(found['service_instances'])}")


def reach(instances: list[str] | None) -> str:
    """Service instances in a cell."""
    return "all" if instances is None else front.printable(", ".join(instances))
