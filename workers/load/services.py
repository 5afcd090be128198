"""The load of one batch of service actions: an operation of any service on a port, called once for each row."""

from connector.wire.jobs import LoadServices
from workers import aos
from workers.load import actions
from workers.load.calls import Ask
from workers.load.result import Result


def run(message: LoadServices, *, port: aos.Port, ask: Ask) -> Result:
    """Carries one batch out on an open port; see `actions.run` for what is raised.

    Where the mapping says that AX refuses a MessageId that it has seen, a call of unknown end is made again. It rests on that
    AX has not noted the id of a call that it rolled back: whether it does is not documented.
    """
    return actions.run(message, port=port, ask=ask, repeatable=message.idempotent)
