"""An acceptor of Windows logons as a net.tcp port has it, by pyspnego; behind it a plain peer, or WCF, which sees no security."""

import socket
import threading
from collections.abc import Callable

import spnego

from tests.nettcp.scripted import Caller

_UPGRADE = b"\x09\x15application/negotiate"
_PROGRESS, _DONE, _ERROR = 0x16, 0x14, 0x15


def guarding(port: int, *, seen: list[str] | None = None, spoil: Callable[[bytes], bytes] = bytes):
    """The script of a guard before the peer at a port of this computer.

    `seen` gets each account and how it was proved; `spoil` may damage the frames that go back.
    """

    def script(caller: Caller) -> None:
        preamble = caller.preamble()
        assert preamble.endswith(_UPGRADE)
        caller.say(b"\x0a")
        context = logged_on(caller)
        if context is None:
            return
        if seen is not None:
            seen.append(f"{context.client_principal} by {context.negotiated_protocol}")
        with socket.create_connection(("127.0.0.1", port)) as behind:
            behind.sendall(preamble.removesuffix(_UPGRADE))
            threading.Thread(target=_back, args=(caller, behind, context, spoil), daemon=True).start()
            while True:
                behind.sendall(context.unwrap(caller.frame()).data)

    return script


def logged_on(caller: Caller) -> spnego.ContextProxy | None:
    """The handshake, as the acceptor; None where the account was refused."""
    context = spnego.server(protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate)
    while not context.complete:
        head = caller.take(5)
        assert head[:3] == bytes([_PROGRESS, 1, 0])
        try:
            token = context.step(caller.take(int.from_bytes(head[3:], "big"))) or b""
        except spnego.exceptions.SpnegoError:
            caller.say(bytes([_ERROR, 1, 0, 0, 8]) + bytes(4) + (0x8009030C).to_bytes(4, "big"))
            return None
        kind = _DONE if context.complete else _PROGRESS
        caller.say(bytes([kind, 1, 0]) + len(token).to_bytes(2, "big") + token)
    return context


def _back(caller: Caller, behind: socket.socket, context: spnego.ContextProxy, spoil: Callable[[bytes], bytes]) -> None:
    try:
        while data := behind.recv(60_000):
            wrapped = spoil(context.wrap(data).data)
            caller.say(len(wrapped).to_bytes(4, "little") + wrapped)
    except OSError:
        pass
