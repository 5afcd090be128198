"""What Celery tells its monitors, as Flower: gathered for a moment, because each telling costs far more than what it tells."""

from typing import Any, Final

from celery import bootsteps

_GATHER_S: Final = 0.2


class Gather(bootsteps.StartStopStep):  # type: ignore[misc]  # celery has no types
    """Sends the events of tasks a few times a second, or once many have come; Celery would in each turn of its loop.

    On its blocking loop Celery gathers nothing, and nothing changes.
    """

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self._timer: Any = None
        super().__init__(parent, **kwargs)

    def start(self, parent: Any) -> None:
        """Begin, each time the consumer has connected."""
        if parent.hub is None:
            return
        parent.event_dispatcher.on_send_buffered = None
        self._timer = parent.timer.call_repeatedly(_GATHER_S, parent.event_dispatcher.flush)

    def stop(self, parent: Any) -> None:
        """Send what is left, each time the connection is lost, and at the end."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        if parent.event_dispatcher:
            parent.event_dispatcher.flush()
