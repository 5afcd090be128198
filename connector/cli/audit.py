"""`rapidstart audit`: who did what."""

import click

from connector.cli import front


@click.command()
@click.argument("subject", required=False)
@front.since_option
@front.until_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first.")
@front.json_option
def audit(subject: str | None, limit: int, as_json: bool, **wanted: str | None) -> None:
    """Commands that changed something: all, or those on SUBJECT, a job or an endpoint.

    Who asked is the name of the person or token that proved it, and the address that they asked from.
    """
    from connector.cli import words

    for line in front.client().audit(subject=subject, limit=limit, **wanted):
        if as_json:
            front.emit(line)
            continue
        details = ", ".join(f"{name} {_text(value)}" for name, value in line["details"].items())
        told = f"{line['what']} {line['subject']}" + (f" ({details})" if details else "")
        click.echo(f"{words.local(line['at'])}  {front.printable(line['by'])}  {front.printable(told)}")


def _text(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
