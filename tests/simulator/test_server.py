"""The process: its first line, faults on request, durability, counting."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from workers.simulator.chaos import Chaos, Fault

SERVICE = "http://schemas.microsoft.com/dynamics/2008/01/services/PaymTermService"


def term(record: Callable[..., str], number: int) -> str:
    return record("PaymTerm", PaymTermId=f"N{number:04}")


def test_the_first_line_says_where_it_listens(definition: Path) -> None:
    command = [sys.executable, "-m", "workers.simulator", "--tables", str(definition)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        child.kill()
    assert line.startswith("listening on http://127.0.0.1:")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "there is nothing to offer"),
        (["--tables", "{toml}", "--key", "Nothing=A"], "names the table Nothing"),
        (["--tables", "{toml}", "--key", "PaymTerm=A"], "names the field A"),
        (["--tables", "{toml}", "--fault", "fire=1"], "KIND=RATE"),
        (["--tables", "{toml}", "--fault", "slow=7"], "between 0 and 1"),
        (["--tables", "{toml}", "--tables", "{toml}"], "defined twice"),
        (["--contract", "{folder}"], "has no WSDL with an HTTP address"),
    ],
)
def test_what_cannot_be_offered_is_said(definition: Path, options: list[str], message: str) -> None:
    given = [option.format(toml=definition, folder=definition.parent) for option in options]
    command = [sys.executable, "-m", "workers.simulator", *given]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 2
    assert message in done.stderr


def test_what_was_answered_survives_a_kill(
    definition: Path, process: Callable[..., Any], record: Callable[..., str], tmp_path: Path
) -> None:
    options = ("--tables", str(definition), "--data", str(tmp_path / "data"))
    child, client = process(*options)
    message_id = str(uuid4())
    first = client.create("PaymTerm", term(record, 1) + term(record, 2), message_id=message_id)
    client.create("PaymTerm", term(record, 3) + term(record, 3))
    assert first.status == 200
    child.kill()
    child.wait()
    _, again = process(*options)
    assert [row["PaymTermId"] for row in again.rows("PaymTerm")] == ["N0001", "N0002"]
    assert again.create("PaymTerm", term(record, 9), message_id=message_id).all("f:Code") == ["DuplicateMessage"]
    again.create("PaymTerm", term(record, 4))
    ids = [found["RecId"] for found in again.find("PaymTerm", ("PaymTerm", "PaymTermId", "Greater", "")).records("PaymTerm")]
    assert len(set(ids)) == 3


def test_a_kill_in_the_middle_leaves_whole_calls(
    definition: Path, process: Callable[..., Any], record: Callable[..., str], tmp_path: Path
) -> None:
    options = ("--tables", str(definition), "--data", str(tmp_path / "data"))
    child, client = process(*options)
    answered: list[int] = []
    enough = threading.Event()

    def load() -> None:
        try:
            for call in range(10_000):
                records = "".join(term(record, call * 5 + row) for row in range(5))
                if client.create("PaymTerm", records).status == 200:
                    answered.append(call)
                if len(answered) >= 10:
                    enough.set()
        except (OSError, http.client.HTTPException):
            pass

    loader = threading.Thread(target=load)
    loader.start()
    assert enough.wait(20)
    child.kill()
    loader.join()
    _, again = process(*options)
    rows = len(again.rows("PaymTerm"))
    assert rows % 5 == 0
    assert rows // 5 in (len(answered), len(answered) + 1)


def test_a_reset_connection_did_nothing(start: Callable[..., Any], definition: Path, record: Callable[..., str]) -> None:
    client = start(tables=(definition,), faults={Fault.RESET: 1.0})
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        client.create("PaymTerm", term(record, 1))
    assert client.rows("PaymTerm") == []
    assert client.sim("stats")["injected"] == {"reset": 1}


def test_a_timeout_after_the_work_has_done_it(start: Callable[..., Any], definition: Path, record: Callable[..., str]) -> None:
    client = start(tables=(definition,), faults={Fault.TIMEOUT_AFTER: 1.0})
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        client.create("PaymTerm", term(record, 1), message_id=str(uuid4()))
    assert len(client.rows("PaymTerm")) == 1


def test_a_503_did_nothing_and_is_no_soap(start: Callable[..., Any], definition: Path, record: Callable[..., str]) -> None:
    client = start(tables=(definition,), faults={Fault.HTTP503: 1.0})
    reply = client.create("PaymTerm", term(record, 1))
    assert (reply.status, reply.body[:6]) == (503, b"<html>")
    assert client.rows("PaymTerm") == []


def test_a_deadlock_is_rolled_back(start: Callable[..., Any], definition: Path, record: Callable[..., str]) -> None:
    client = start(tables=(definition,), faults={Fault.DEADLOCK: 1.0})
    reply = client.create("PaymTerm", term(record, 1), message_id=str(uuid4()))
    assert reply.all("f:XppExceptionType") == ["2"]
    assert client.rows("PaymTerm") == []
    assert client.find("PaymTerm", ("PaymTerm", "PaymTermId", "Equal", "1")).status == 200


def test_the_same_seed_brings_the_same_faults() -> None:
    def drawn(seed: int) -> list[frozenset[Fault]]:
        chaos = Chaos({Fault.RESET: 0.3, Fault.SLOW: 0.5}, seed=seed)
        return [chaos.draw() for _ in range(50)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 5 < sum(Fault.RESET in one for one in drawn(3)) < 25


def test_counting_answers_with_as_many_keys_and_keeps_nothing(
    start: Callable[..., Any], definition: Path, record: Callable[..., str]
) -> None:
    client = start(tables=(definition,), count=True)
    message_id = str(uuid4())
    reply = client.create("PaymTerm", term(record, 1) + term(record, 2), message_id=message_id)
    assert [set(key) for key in reply.keys] == [{"PaymTermId"}] * 2
    lines = record("PurchLine", LineNum="1") + record("PurchLine", LineNum="2")
    orders = client.create("PurchTable", record("PurchTable", lines, PurchId="P1"), document="PurchaseOrders")
    assert len(orders.keys) == 1
    again = client.create("PaymTerm", term(record, 1), message_id=message_id.upper())
    assert again.all("f:Code") == ["DuplicateMessage"]
    assert client.create("PaymTerm", term(record, 1), company="XXXX").status == 500
    stats = client.sim("stats")
    assert (stats["rows_created"], stats["duplicates_refused"], stats["calls"]) == (5, 1, 4)
    assert client.rows("PaymTerm") == []
    assert client.find("PaymTerm", ("PaymTerm", "PaymTermId", "Equal", "N0001"), keys=True).keys == []


def test_a_connection_is_kept_for_many_calls(client: Any, record: Callable[..., str], envelope: Any, document_of: Any) -> None:
    parts = urlsplit(client.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.connect()
    first = connection.sock
    for number in range(3):
        body = envelope("PaymTerm", "create", document_of("PaymTerm", term(record, number)), company="USMF", message_id=None)
        chunks = [body[:100], body[100:]]
        connection.request(
            "POST", client.path, iter(chunks), {"SOAPAction": f'"{SERVICE}/create"', "Expect": ""}, encode_chunked=True
        )
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
        assert connection.sock is first
    connection.close()
    assert len(client.rows("PaymTerm")) == 3


def test_calls_from_many_threads_lose_nothing(client: Any, record: Callable[..., str]) -> None:
    def load(first: int) -> None:
        for number in range(first, first + 10):
            client.create("PaymTerm", term(record, number), message_id=str(uuid4()))

    threads = [threading.Thread(target=load, args=(n * 10,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(client.rows("PaymTerm")) == client.sim("stats")["rows_created"] == 60


def test_reset_forgets_everything(client: Any, record: Callable[..., str]) -> None:
    message_id = str(uuid4())
    client.create("PaymTerm", term(record, 1), message_id=message_id)
    assert client.http("POST", "/_sim/reset").status == 200
    assert client.rows("PaymTerm") == []
    assert client.sim("stats")["calls"] == 0
    assert client.create("PaymTerm", term(record, 1), message_id=message_id).status == 200


def test_what_is_not_there_is_404(client: Any) -> None:
    assert client.http("GET", "/MicrosoftDynamicsAXAif60/Other/xppservice.svc?wsdl").status == 404
    assert client.http("GET", "/_sim/records?table=Nothing").status == 404
    assert client.http("GET", "/_sim/records?table=PaymTerm&company=XXXX").status == 404


def test_every_call_takes_as_long_as_was_asked(start: Callable[..., Any], definition: Path, record: Callable[..., str]) -> None:
    client = start(tables=(definition,), latency=80.0)
    begin = time.monotonic()
    assert client.create("PaymTerm", term(record, 1)).status == 200
    assert time.monotonic() - begin >= 0.08


@pytest.mark.slow
def test_a_slow_call_is_carried_out_late(start: Callable[..., Any], definition: Path, record: Callable[..., str]) -> None:
    client = start(tables=(definition,), faults={Fault.SLOW: 1.0})
    begin = time.monotonic()
    assert client.create("PaymTerm", term(record, 1)).status == 200
    assert time.monotonic() - begin >= 2


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"POST"])
def test_what_is_no_http_ends_the_connection_and_nothing_else(client: Any, nonsense: bytes) -> None:
    parts = urlsplit(client.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(nonsense)
        connection.shutdown(socket.SHUT_WR)
        received = connection.recv(65536)
    assert received == b"" or received.startswith(b"HTTP/1.1 4")
    assert client.sim("stats")["calls"] == 0
