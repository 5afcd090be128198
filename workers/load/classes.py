"""The load of one batch of class actions: a method of a class, called once for each row through a custom service.

There is no public contract of the AppConfig service that Microsoft's connector called: which service stands for it, and what
of its parameters takes what, is said by the mapping, or it is this project's own table and class service (deploy/ax).
"""

from connector.wire.jobs import LoadClasses
from workers import aos
from workers.documents.parameters import Entries
from workers.load import actions
from workers.load.calls import Ask
from workers.load.result import Result


def run(message: LoadClasses, *, port: aos.Port, ask: Ask) -> Result:
    """Carries one batch out on an open port; see `actions.run` for what is raised.

    What a method does besides its transaction nobody knows: a call of unknown end is never made again.
    """
    entries = Entries(path=message.parameters, name=message.name, value=message.value) if message.parameters else None
    return actions.run(message, port=port, ask=ask, repeatable=False, entries=entries)
