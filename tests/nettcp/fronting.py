"""One port before several services, as an AOS has it: the way that a caller names decides where its bytes go."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping

from tests.nettcp.scripted import Caller, listening


@contextlib.contextmanager
def front(behind: Mapping[str, int]) -> Iterator[str]:
    """Its origin, net.tcp://HOST:PORT. `behind`: the port of this computer for each service, by the last part of its path.

    A service that is not there is refused as WCF refuses it.
    """

    def script(caller: Caller) -> None:
        head = caller.take(3 + 2 + 1)
        via = caller.take(caller.take(1)[0]).decode()
        name = via.rpartition("/")[2]
        if name not in behind:
            fault = b"http://schemas.microsoft.com/ws/2006/05/framing/faults/EndpointNotFound"
            caller.say(b"\x08" + bytes([len(fault)]) + fault)
            return
        own = f"net.tcp://127.0.0.1:{behind[name]}/DynamicsAx/Services/{name}".encode()
        with socket.create_connection(("127.0.0.1", behind[name])) as service:
            service.sendall(head + bytes([len(own)]) + own)
            threading.Thread(target=_pass_on, args=(service, caller.socket), daemon=True).start()
            while data := caller.some():
                service.sendall(data)

    with listening(script) as peer:
        yield peer.address.rpartition("/DynamicsAx")[0]


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            to.sendall(data)
        to.shutdown(socket.SHUT_RDWR)
