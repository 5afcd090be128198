"""The only way a job leaves: submit, plan, release, grant, retry, cancel, pause, survey.

`Dispatcher` is what the API and the recorder call; `Outbox` is its door to the broker; `Reconciler` sets right, once a
second, what got lost on the way.
"""

from connector.dispatch.dispatcher import Dispatcher, no_metadata
from connector.dispatch.outbox import Outbox
from connector.dispatch.reconciler import Reconciler

__all__ = ["Dispatcher", "Outbox", "Reconciler", "no_metadata"]
