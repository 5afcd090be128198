"""An address that takes calls and answers none of them until it lets go."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Holding:
    """A server that accepts connections and says nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/p/xppservice.svc"
        self.calls = threading.Semaphore(0)
        """one for each call that has come"""
        self._open: list[socket.socket] = []
        self._lets_go = threading.Event()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def let_go(self) -> None:
        """Cut every call off, those that still come too."""
        self._lets_go.set()
        for call in self._open:
            with contextlib.suppress(OSError):
                call.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.let_go()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for call in self._open:
            call.close()

    def _accept(self) -> None:
        while True:
            try:
                call, _ = self._listener.accept()
            except OSError:
                return
            if self._lets_go.is_set():
                call.close()
                continue
            self._open.append(call)
            self.calls.release()


@contextlib.contextmanager
def holding() -> Iterator[Holding]:
    server = Holding()
    try:
        yield server
    finally:
        server.close()
