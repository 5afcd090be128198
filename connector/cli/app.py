"""The root command, and the one place where errors become a line on stderr and an exit code."""

from collections.abc import Sequence

import click

from connector import __version__
from connector.cli.exits import Exit
from connector.cli.lazy import Lazy, LazyGroup
from connector.errors import RapidStartError

COMMANDS = {
    "demo": Lazy(module="connector.cli.serving", name="demo", help="Everything on this machine: a sample load and its results."),
    "load": Lazy(module="connector.cli.load", name="load", help="Load a package into an AOS instance."),
    "job": Lazy(module="connector.cli.job", name="job", help="See, watch and steer jobs."),
    "endpoint": Lazy(module="connector.cli.endpoint", name="endpoint", help="The AOS instances that are registered here."),
    "package": Lazy(module="connector.cli.package", name="package", help="Look into a package before it is loaded."),
    "ledger": Lazy(module="connector.cli.ledger", name="ledger", help="Back the ledger up; what a restored one lacks."),
    "audit": Lazy(module="connector.cli.audit", name="audit", help="Who did what."),
    "token": Lazy(module="connector.cli.access", name="token", help="API tokens: who else may use the dispatcher."),
    "registration-token": Lazy(
        module="connector.cli.machines", name="registration_token", help="One-time tokens by which scripts register machines."
    ),
    "person": Lazy(module="connector.cli.person", name="person", help="People who may sign in, and links that let them."),
    "whoami": Lazy(module="connector.cli.access", name="whoami", help="Who you are to the dispatcher, and what you may do."),
    "key": Lazy(module="connector.cli.key", name="key", help="The dispatcher's own key, by which workers know its orders."),
    "dispatcher": Lazy(module="connector.cli.serving", name="dispatcher", help="Run the dispatcher: HTTP API and recorder."),
    "flower": Lazy(module="connector.cli.serving", name="flower", help="Run Flower, read-only, on the same broker."),
    "config": Lazy(module="connector.cli.config", name="config", help="Every setting, its value, and where it came from."),
    "doctor": Lazy(module="connector.cli.doctor", name="doctor", help="Check what this computer needs to work."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rapidstart")
def rapidstart() -> None:
    """Load configuration packages into Microsoft Dynamics AX 2012.

    Exit codes: 0 all rows in; 1 failed or unknown rows; 2 usage; 3 refused; 4 not reachable; 5 cancelled; 130 interrupted.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Errors are one line on stderr, never a traceback."""
    try:
        code = rapidstart.main(args=list(arguments), prog_name="rapidstart", standalone_mode=False)
    except RapidStartError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except OSError as error:  # a file of the command line that cannot be read or written
        click.echo(f"Error: {error.filename or 'a file'}: {error.strerror or error}.", err=True)
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    return int(code or 0)
