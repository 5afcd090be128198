"""Answers that are too large, too slow, cut off or not what they say: each ends a call in time, with what happens next."""

import gzip
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.aos.peer import answer, peer
from workers.aos.transport import Transport
from workers.errors import GiveUp, Retry, Unsettled, WorkerError

CEILING = 1_000_000
READS_AND_WRITES = pytest.mark.parametrize(("writes", "expected"), [(True, Unsettled), (False, Retry)])


def post(url: str, *, writes: bool = True, limit_s: float = 5.0) -> bytes:
    transport = Transport(max_answer=CEILING)
    try:
        return transport.post(url, b"<body/>", action="urn:a", time_limit_s=limit_s, writes=writes).body
    finally:
        transport.close()


@contextmanager
def dripping(head: bytes, drop: bytes) -> Iterator[str]:
    """A server that says a drop every now and then, until the client has gone."""
    gone = threading.Event()

    def drip(listener: socket.socket) -> None:
        with suppress(OSError), listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(head)
            while not gone.wait(0.02):
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/x.svc"
        finally:
            gone.set()
            thread.join(5)


OK = b"HTTP/1.1 200 OK\r\n"


@READS_AND_WRITES
@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (OK + b"Content-Length: 100000\r\n\r\n", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK + b"Connection: close\r\n\r\n", b"x"),
        (OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"")[:10], b""),
        (OK, b"X-More: x\r\n"),
        (OK + b"X-More: ", b"x"),
        (b"", b"H"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["length", "chunked", "until closed", "gzip", "headers", "a header", "a status", "continue"],
)
def test_a_drop_now_and_then_does_not_keep_a_call_alive(
    head: bytes, drop: bytes, writes: bool, expected: type[WorkerError]
) -> None:
    started = time.monotonic()
    with dripping(head, drop) as url:
        with pytest.raises(expected, match=r"within 0\.3 s") as failed:
            post(url, writes=writes, limit_s=0.3)
        assert type(failed.value) is expected
    assert time.monotonic() - started < 2


CUT = {
    "a chunk cut in the middle": OK + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n10\r\nhalf",
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nhalf\r\n",
    "a chunk of no size": OK + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\nhalf\r\n",
    "less than its length": OK + b"Content-Length: 100\r\nConnection: close\r\n\r\nhalf",
    "two lengths": OK + b"Content-Length: 4\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhalf",
    "no HTTP": b"220 aos ESMTP\r\nConnection: close\r\n\r\n",
    "no gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf",
    "half a gzip": OK
    + b"Content-Encoding: gzip\r\nContent-Length: 100\r\nConnection: close\r\n\r\n"
    + gzip.compress(b"x" * 99)[:12],
}


@READS_AND_WRITES
@pytest.mark.parametrize("cut", CUT.values(), ids=CUT.keys())
def test_a_cut_answer_leaves_a_write_unsettled(cut: bytes, writes: bool, expected: type[WorkerError]) -> None:
    with peer(lambda _: cut) as server:
        with pytest.raises(expected) as failed:
            post(server.url, writes=writes)
        assert type(failed.value) is expected
        assert len(server.requests) == 1


def test_a_cut_header_is_an_empty_answer() -> None:
    """http.client takes what has come for the whole; the port finds no SOAP in it, which leaves a write unsettled."""
    with peer(lambda _: OK + b"Connection: close\r\nContent-") as server:
        assert post(server.url) == b""


def test_more_than_its_length_is_not_read_and_not_taken_for_the_next_answer() -> None:
    with peer(lambda request: answer(body=request.target[-1:].encode()) + b"<html>and more") as server:
        transport = Transport()
        bodies = [transport.post(f"{server.base}/{n}", b"", action="a", time_limit_s=5, writes=True).body for n in range(3)]
        transport.close()
    assert bodies == [b"0", b"1", b"2"]


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


LARGE: dict[str, Callable[[], bytes]] = {
    "announced": lambda: OK + b"Content-Length: 200000000\r\n\r\n",
    "until closed": lambda: OK + b"Connection: close\r\n\r\n" + bytes(CEILING + 1),
    "chunked": lambda: OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n%b\r\n" % bytes(65536) * 20,
    "gzip": lambda: answer("200 OK", "Content-Encoding: gzip", body=bomb(50 << 20)),
    "deflate": lambda: answer("200 OK", "Content-Encoding: deflate", body=zlib.compress(bytes(20 << 20))),
    "twice": lambda: answer("200 OK", "Content-Encoding: gzip, gzip", body=gzip.compress(bomb(20 << 20))),
}


@pytest.mark.parametrize(("writes", "expected"), [(True, Unsettled), (False, GiveUp)])
@pytest.mark.parametrize("large", LARGE.values(), ids=LARGE.keys())
def test_a_large_answer_is_left_at_the_ceiling(large: Callable[[], bytes], writes: bool, expected: type[WorkerError]) -> None:
    content = large()
    with peer(lambda _: content) as server:
        with pytest.raises(expected, match="over 1,000,000 bytes") as failed:
            post(server.url, writes=writes)
        assert type(failed.value) is expected


def test_an_answer_just_below_the_ceiling_is_read_whole() -> None:
    with peer(lambda _: answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(bytes(CEILING)))) as server:
        assert post(server.url) == bytes(CEILING)


def test_answers_are_not_asked_for_compressed() -> None:
    with peer(lambda _: answer()) as server:
        post(server.url)
    assert server.requests[0].headers["accept-encoding"] == "identity"


MEASURED = """
import sys
from workers.aos.transport import Transport
from workers.errors import GiveUp
def peak():  # of this process alone: getrusage tells its parent's, where that is higher
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
url, ceiling = sys.argv[1], int(sys.argv[2])
transport = Transport(max_answer=ceiling)
transport.get(url + "/warm")
before = peak()
try:
    ended = len(transport.get(url).body)
except GiveUp:
    ended = "refused"
print((peak() - before) // 1024, ended)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("ceiling", "megabytes", "ended"), [(20_000_000, 32, "refused"), (60_000_000, 90, "50000000")], ids=["refused", "whole"]
)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_memory_stays_near_what_is_read(ceiling: int, megabytes: int, ended: str, compressed: bool) -> None:
    body = gzip.compress(bytes(50_000_000), 1) if compressed else bytes(50_000_000)
    headers = ["Content-Encoding: gzip"] if compressed else []
    whole = OK + b"Connection: close\r\n" + b"".join(f"{each}\r\n".encode() for each in headers) + b"\r\n" + body
    with peer(lambda request: answer() if request.target.endswith("/warm") else whole) as server:
        ran = subprocess.run(
            [sys.executable, "-c", MEASURED, server.url, str(ceiling)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
    grown, said = ran.stdout.split()
    assert said == ended
    assert megabytes / 4 < int(grown) < megabytes
