"""`rapidstart-worker settings`: a page on this computer alone, or the same by command."""

import click

from workers import errors
from workers.commands import front


@click.command()
@click.option("--endpoint", metavar="E", help="The endpoint whose settings they are. Left out: those of this whole computer.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Write a setting (dixf.NAME too) and show no page.")
@click.option("--no-browser", is_flag=True, help="Print the link, open nothing.")
def settings(endpoint: str | None, changes: tuple[str, ...], no_browser: bool) -> None:
    """Show and change settings, register, start the service: on a page that only this computer can open, by a link good once.

    What is changed is written to worker.toml; it holds from the next start of the service. Nothing after the = takes a
    setting away.
    """
    from workers.commands.form import pages, saving

    home = front.settings(endpoint=endpoint).home
    try:
        if changes:
            file = saving.save(home, endpoint, dict(_change(each) for each in changes))
            click.echo(f"Written to {file}. It holds from the next start of the service.")
            return
        pages.serve(home, endpoint, tell=lambda link: _tell(link, opens=not no_browser))
    except errors.GiveUp as error:
        raise front.stop(error) from None


def _change(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals:
        raise click.BadParameter(f"{name!r} is not NAME=VALUE", param_hint="--set")
    return name.strip(), value.strip()


def _tell(link: str, *, opens: bool) -> None:
    click.echo(f"Open {link}\nThe link is good once, on this computer. Ctrl-C ends the page.")
    if opens:
        click.launch(link)
