"""A TCP proxy in a thread of its own: what the network between two processes does to them.

It forwards bytes and knows no protocol. A fault that concerns living connections hits those of this moment; whatever was
switched on lasts until `heal`.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_CHUNK: Final = 65536
#: Closing sends a reset: what was on its way is lost, as when a router forgets a connection.
_RESET: Final = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a free port of this computer, always the same, and forwards to `target`, which may be changed."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.cuts_made = 0
        """messages that were cut in the middle"""
        self._delay_s = 0.0
        self._cuts = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._do(self._listen())
        self._open.set()

    def drop(self) -> None:
        """Reset every connection; new ones are welcome."""
        self._do(self._drop())

    def refuse(self) -> None:
        """Reset every connection, and let nobody connect."""
        self._do(self._refuse())

    def delay(self, seconds: float) -> None:
        """Hold up everything that is sent, in both directions, by this time."""
        self._delay_s = seconds

    def fall_silent(self) -> None:
        """Half-open: connections stay, new ones are accepted, and nothing is answered on any of them."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def cut(self, messages: int) -> None:
        """Forward the first half of each of the next messages, then reset its connection."""
        self._cuts = messages

    def heal(self, *, forget: bool = False) -> None:
        """End every fault. What a silent network held back arrives late, or never where it is to `forget`."""
        self._delay_s, self._cuts = 0.0, 0
        self._do(self._heal(forget=forget))

    def close(self) -> None:
        """End everything."""
        self._do(self._refuse())
        self._do(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _heal(self, *, forget: bool) -> None:
        if forget:
            await self._drop()
        self._open.set()
        await self._listen()

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._drop()

    async def _drop(self) -> None:
        for writer in list(self._writers):
            self._abort(writer)

    async def _settle(self) -> None:
        self._open.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abort(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(task := asyncio.current_task())  # type: ignore[arg-type]
        self._writers.add(writer)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)  # type: ignore[arg-type]
            self._writers.discard(writer)
            self._abort(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.add(far_writer)
        ways = [asyncio.ensure_future(self._pump(reader, far_writer)), asyncio.ensure_future(self._pump(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(far_writer)
            self._abort(far_writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await self._open.wait()
            if self._cuts > 0 and len(data) > 1:
                self._cuts -= 1
                self.cuts_made += 1
                writer.write(data[: len(data) // 2])
                await writer.drain()
                return
            writer.write(data)
            await writer.drain()
