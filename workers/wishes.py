"""How a worker service tells the dispatcher of itself, and hears how many workers are wished: over the report stream."""

import contextlib
import logging
import os
import platform
import secrets
from typing import Any, Final

import redis

from connector import __version__
from connector.wire import codec, routes
from connector.wire.jobs import Wish
from connector.wire.reports import CrewAlive, CrewStopped
from workers.letters import Letters, Plain
from workers.login import Login, connect

log = logging.getLogger(__name__)

#: How long an answer is waited for, in seconds. A dispatcher that does not know the question never answers.
_ANSWER_S: Final = 5


class Talk:
    """One per worker service. Its name carries the endpoint, the process and the computer.

    Not the computer alone: two services there would each be told the whole share. One that was killed and started anew gets
    the rest of its share once the one before has been silent for a while.
    """

    def __init__(
        self, broker_url: str, *, endpoint: str, most: int, letters: Letters | None = None, login: Login | None = None
    ) -> None:
        """Nothing is contacted yet. `most`: worker processes that may run here. Without `letters` nothing is sealed; without
        a `login` it signs on at the broker as the URL says.
        """
        self._letters = letters or Plain()
        self._login = login
        self._redis = connect(broker_url, login=login, socket_timeout=_ANSWER_S + 5, socket_connect_timeout=5)
        self._endpoint, self._most = endpoint, most
        process = f"{os.getpid():x}-{secrets.token_hex(2)}"  # in a container every process has the same number
        self._sender = {"endpoint": endpoint, "worker": f"{endpoint}.{process}@{platform.node()}"}
        self._warned = False

    def ask(self, running: int) -> Wish | None:
        """Tell that the service lives and runs so many workers; what is wished of it, None where nobody says."""
        if self._login:
            self._login.look()
        alive = CrewAlive(
            **self._sender, host=platform.node(), pid=os.getpid(), version=__version__, most=self._most, running=running
        )
        try:
            self._add(alive)
            found: Any = self._redis.blpop([routes.reply_key(self._endpoint, alive.event_id)], timeout=_ANSWER_S)
        except redis.RedisError as error:
            if not self._warned:
                told = "what is wished cannot be heard: the broker cannot be reached (%s)"
                log.warning(told, type(error).__name__, extra={"action": "wishes_unheard"})
            self._warned = True
            return None
        self._warned = False
        try:
            answer = self._letters.answer(found[1], alive.event_id) if found else None
        except codec.WireError as error:
            log.warning("what is wished cannot be read: %s", error, extra={"action": "wish_unreadable"})
            return None
        return answer if isinstance(answer, Wish) else None

    def end(self) -> None:
        """Tell that the service has ended; where the broker is away it is found out without."""
        with contextlib.suppress(redis.RedisError):
            self._add(CrewStopped(**self._sender))

    def _add(self, report: CrewAlive | CrewStopped) -> None:
        self._redis.xadd(routes.report_stream(self._endpoint), {"m": self._letters.report(report)})
