"""The proxy that plays the network: each of its faults is what it says."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import Proxy

WORD = b"a word that is long enough to be cut"


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that answers what it is told."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1000):
                    connection.sendall(data)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    made = Proxy(echo)
    yield made
    made.close()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def told(connection: socket.socket, *, within_s: float = 5) -> bytes:
    connection.settimeout(within_s)
    connection.sendall(WORD)
    return connection.recv(1000)


def is_dead(connection: socket.socket) -> bool:
    """Whether the connection was reset, or closed in the middle of an answer."""
    try:
        return told(connection) != WORD
    except ConnectionError:
        return True


def is_refused(proxy: Proxy) -> bool:
    """Whether nothing gets through. The reset may come before the connection is made, or after."""
    try:
        with connect(proxy) as connection:
            return is_dead(connection)
    except ConnectionError:
        return True


def test_it_forwards_both_ways(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert told(connection) == WORD


def test_dropped_connections_are_gone_and_new_ones_work(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert told(connection) == WORD
        proxy.drop()
        assert is_dead(connection)
    with connect(proxy) as connection:
        assert told(connection) == WORD


def test_who_is_refused_can_connect_at_the_same_address_later(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionError):
        connect(proxy)
    proxy.heal()
    with connect(proxy) as connection:
        assert told(connection) == WORD


def test_a_silent_network_accepts_and_answers_late(proxy: Proxy) -> None:
    proxy.fall_silent()
    with connect(proxy) as connection:
        with pytest.raises(TimeoutError):
            told(connection, within_s=0.2)
        proxy.heal()
        connection.settimeout(5)
        assert connection.recv(1000) == WORD


def test_what_a_silent_network_held_back_may_never_come(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert told(connection) == WORD
        proxy.fall_silent()
        with pytest.raises(TimeoutError):
            told(connection, within_s=0.2)
        proxy.heal(forget=True)
        connection.settimeout(5)
        with pytest.raises(ConnectionError):
            connection.recv(1000)


def test_a_message_is_cut_in_the_middle(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert told(connection) == WORD
        proxy.cut(1)
        assert is_dead(connection)
    assert proxy.cuts_made == 1
    with connect(proxy) as connection:
        assert told(connection) == WORD


def test_another_target(proxy: Proxy, echo: int) -> None:
    proxy.target = 1
    assert is_refused(proxy)
    proxy.target = echo
    with connect(proxy) as connection:
        assert told(connection) == WORD
