"""A peer of net.tcp that does what a test tells it, on a socket of its own: nothing of WCF would misbehave so."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

#: What a peer says first.
ACK = b"\x0b"

Script = Callable[["Caller"], None]


class Caller:
    """One connection to the peer."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._file = connection.makefile("rb")

    def take(self, count: int) -> bytes:
        """So many bytes. Raises EOFError where the caller has gone."""
        found = self._file.read(count)
        if len(found) < count:
            raise EOFError
        return found

    def some(self) -> bytes:
        """The bytes that come next; b"" where the caller has gone."""
        return self._file.read1(1 << 16)

    def preamble(self) -> bytes:
        """Reads all up to the end of the preamble, or the request to upgrade; the last byte tells which."""
        read = self.take(3 + 2 + 1)
        size = self.take(1)
        read += size + self.take(size[0]) + self.take(2) + (last := self.take(1))
        if last == b"\x09":
            read += (size := self.take(1)) + self.take(size[0])
        return read

    def envelope(self) -> bytes:
        """The payload of a sized envelope."""
        assert self.take(1) == b"\x06"
        size = shift = 0
        while (byte := self.take(1)[0]) & 0x80:
            size |= (byte & 0x7F) << shift
            shift += 7
        return self.take(size | byte << shift)

    def frame(self) -> bytes:
        """A frame of the security stream after its handshake, still wrapped."""
        return self.take(int.from_bytes(self.take(4), "little"))

    def say(self, data: bytes) -> None:
        """Sends bytes."""
        self.socket.sendall(data)


@contextlib.contextmanager
def listening(script: Script) -> Iterator["Peer"]:
    """A peer that runs the script once for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer(listener, script)
        threading.Thread(target=peer.serve, daemon=True).start()
        try:
            yield peer
        finally:
            peer.end()


class Peer:
    """What `listening` gives: the address, and how many have called."""

    def __init__(self, listener: socket.socket, script: Script) -> None:
        self.address = f"net.tcp://127.0.0.1:{listener.getsockname()[1]}/DynamicsAx/Services/Group"
        self.callers = 0
        self.failures: list[BaseException] = []
        self._listener = listener
        self._script = script
        self._open: list[socket.socket] = []

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.callers += 1
                self._open.append(connection)
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def end(self) -> None:
        """Hangs up on everybody."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _run(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(EOFError, OSError):
            try:
                self._script(Caller(connection))
            except AssertionError as error:
                self.failures.append(error)
