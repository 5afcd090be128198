"""Server-sent events as they go over the line: what waits, a sign of life, and an end that the reader understands."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connector import live
from connector.web.following import Follower

#: A sign of life after so many seconds of silence, and how often it is asked whether the reader may still read.
_HEARTBEAT_S: Final = 15.0
#: A reader that takes nothing for so long is dropped; it comes again, with the number of what it read last.
_STUCK_S: Final = 30.0
#: How long a browser waits before it comes again, in milliseconds.
_COME_AGAIN_MS: Final = 1000


class EventStream(Response):
    """The answer that lasts. `may_read` is asked now and then; `leave` is called when the reader is gone."""

    def __init__(self, follower: Follower, *, may_read: Callable[[], Awaitable[bool]], leave: Callable[[Follower], None]) -> None:
        super().__init__(media_type=live.EVENT_STREAM, headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._follower, self._may_read, self._leave = follower, may_read, leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  as ASGI has it
        """Send events until the job has ended, the reader is gone or stuck, or the process stops."""
        tells = asyncio.create_task(self._tell(send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({tells, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leave(self._follower)
            for task in (tells, gone):
                task.cancel()
                with suppress(asyncio.CancelledError, TimeoutError):
                    await task

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await _in_time(send, b"retry: %d\n\n" % _COME_AGAIN_MS + self._follower.take() + b"id: %d\n\n" % self._follower.sent)
        check_at = time.monotonic() + _HEARTBEAT_S
        while not self._follower.has_ended:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._follower.news.wait(), _HEARTBEAT_S)
            if time.monotonic() >= check_at:
                if not await self._may_read():
                    break
                check_at = time.monotonic() + _HEARTBEAT_S
            await _in_time(send, self._follower.take() or b": alive\n\n")
        await _in_time(send, self._end(), more=False)

    def _end(self) -> bytes:
        """Where it was the job that ended: browsers come no more. Else there is nothing to say, and they come again."""
        job = self._follower.job if self._follower.job_has_ended else None
        return b"event: end\ndata: %b\n\n" % json.dumps({"id": job}).encode() if job else b""


async def _in_time(send: Send, body: bytes, *, more: bool = True) -> None:
    """Raises TimeoutError for a reader that is stuck."""
    await asyncio.wait_for(send({"type": "http.response.body", "body": body, "more_body": more}), _STUCK_S)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
