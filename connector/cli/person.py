"""`rapidstart person`: people who may sign in, and the one-time links that let them."""

import click

from connector.cli import access, front
from connector.rights import Role


@click.group()
def person() -> None:
    """People who may sign in."""


@person.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="What they may do. Left out: as before, of somebody known."
)
@access.instances_option
@front.json_option
def link(name: str, role: str | None, instances: tuple[str, ...], as_json: bool) -> None:
    """Make a link that signs a person in, once, within the hour. They may set a password by it."""
    made = front.accounts().link_person(name, role=role, service_instances=instances)
    if as_json:
        front.emit(made)
        return
    click.echo(f"For {front.printable(made['name'])} ({made['role']}), once, within the hour:", err=True)
    click.echo(made["url"])


@person.command("list")
@front.json_option
def listing(as_json: bool) -> None:
    """Everybody who may sign in."""
    from rich.table import Table

    from connector.cli import words

    found = front.accounts().people()
    if as_json:
        for each in found:
            front.emit(each)
        return
    table = Table("Name", "Role", "Service instances", "Password", "Signed in", box=None, header_style="bold", pad_edge=False)
    for each in found:
        password = "yes" if each["has_password"] else "no"
        seen = words.ago(each["signed_in_at"])
        table.add_row(front.printable(each["name"]), each["role"], access.reach(each["service_instances"]), password, seen)
    front.console().print(table)


@person.command()
@click.argument("name")
@front.json_option
def remove(name: str, as_json: bool) -> None:
    """Let somebody sign in no more, and end their sessions, at once."""
    front.accounts().remove_person(name)
    if as_json:
        front.emit({"removed": name})
        return
    click.echo(f"{front.printable(name)} cannot sign in any more.")
