"""`rapidstart endpoint scale`: how many workers an endpoint shall have."""

from typing import Final

import click

from connector.cli import front, words

_NO_SERVICE: Final = (
    "No worker service of {name} is online: the wish waits for one. Start it beside the AOS: "
    "rapidstart-worker service run --endpoint {name}"
)


@click.command()
@click.argument("name")
@click.option("--workers", type=click.IntRange(min=0), help="Worker processes, on all computers of the endpoint together.")
@click.option("--concurrency", type=click.IntRange(1, 64), help="Calls to the AOS at once, of each worker process.")
@click.option("--unset", is_flag=True, help="Wish nothing: each worker service does what its own settings say.")
@front.json_option
def scale(name: str, workers: int | None, concurrency: int | None, unset: bool, as_json: bool) -> None:
    """Say how many workers an endpoint shall have. The worker services beside its AOS start and drain them.

    No computer runs more than RAPIDSTART_MAX_WORKERS allows there. With 0 workers the endpoint's jobs wait.
    """
    if unset == (workers is not None or concurrency is not None):
        raise click.UsageError("Say what is wished: --workers N, --concurrency M, or --unset alone.")
    client = front.client()
    found = client.unscale_endpoint(name) if unset else client.scale_endpoint(name, workers=workers, concurrency=concurrency)
    if as_json:
        front.emit(found)
        return
    click.echo(front.printable(f"{found['name']}: {words.scaled(found)}"))
    if found["scale"]["workers"] and not any(crew["online"] for crew in found["crews"]):
        click.echo(front.printable(_NO_SERVICE.format(name=found["name"])), err=True)
