"""Whether anybody hears this worker: a dispatcher reads the reports of the endpoints that are registered there, of no others."""

import logging
from typing import Final

import redis

from connector.wire import routes

log = logging.getLogger(__name__)

#: A dispatcher that starts, or meets a broker that was emptied, is given so many looks to begin reading.
_PATIENCE: Final = 3


class Heard:
    """Tells the log when nobody reads, and when somebody does after all. One thread uses it."""

    def __init__(self, server: redis.Redis, *, endpoint: str) -> None:
        """Nothing is contacted yet."""
        self._server, self._endpoint = server, endpoint
        self._missed = 0
        self._is_heard = False

    def look(self) -> None:
        """Look once, where that is not known; while the broker cannot be asked nothing is said. Never fails."""
        if self._is_heard:
            return
        try:
            groups = self._server.xinfo_groups(routes.report_stream(self._endpoint))
        except redis.RedisError:  # the broker is away, or nothing was told yet
            return
        self._is_heard = any(group["name"] in {routes.REPORT_GROUP, routes.REPORT_GROUP.encode()} for group in groups)
        if self._is_heard and self._missed >= _PATIENCE:
            log.info("a dispatcher hears of endpoint %s now", self._endpoint, extra={"action": "endpoint_heard"})
        if self._is_heard:
            return
        self._missed += 1
        if self._missed == _PATIENCE:
            log.warning(
                "no dispatcher on this broker has an endpoint named %s, so no work comes; this worker waits for it. "
                "Register it: rapidstart endpoint add %s --url URL",
                self._endpoint,
                self._endpoint,
                extra={"action": "endpoint_unheard"},
            )
