"""The commands that run a process: dispatcher, Flower, demo. Each is a door to a room of its own."""

import sys

import click

from connector.cli import front


@click.command()
def dispatcher() -> int:
    """Run the dispatcher: HTTP API, recorder and reconciler. Without RAPIDSTART_BROKER_URL with a broker of its own."""
    from connector import service

    return service.run_dispatcher(front.settings())


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=5555, show_default=True, help="The port that Flower listens on.")
def flower(port: int) -> int:
    """Run Flower, read-only, on the same broker, for this computer only."""
    from connector import flower

    return flower.run(front.settings(), port=port)


@click.command()
@click.option("--once", is_flag=True, help="End when the loads have ended. So it is where no terminal is.")
@front.json_option
def demo(once: bool, as_json: bool) -> int:
    """Everything on this machine: broker, dispatcher, two simulated AOS, workers, a sample load into each."""
    from connector.demo import run

    return run(front.settings(), once=True if once or not sys.stdout.isatty() else None, as_json=as_json)
