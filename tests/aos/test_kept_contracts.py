"""Contracts are fetched once, outlive the process, and are noticed to be stale."""

import json
import os
import threading
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector.wire.jobs import Target
from tests.aos import ports
from tests.aos.peer import Peer, peer
from workers import aos
from workers.aos import keeping
from workers.errors import GiveUp, Refusal, Retry

ROWS = f'<PaymSchedServiceCreateRequest xmlns="{ports.SERVICES}"/>'.encode()


@pytest.fixture
def served() -> ports.Port:
    return ports.Port()


@pytest.fixture
def server(served: ports.Port) -> Iterator[Peer]:
    with peer(served) as running:
        yield running


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "contracts" / "aos01"


def planned(url: str) -> Target:
    """What a job is planned with."""
    found = aos.read_metadata(aos.Door(), [url])
    return Target(address=url, port="p", service=found.services[0].name, contract=found.fingerprint)


def opened(door: aos.Door, target: Target) -> aos.Port:
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None)


def create(port: aos.Port) -> list[aos.Key]:
    return port.create(ROWS, message_id=str(uuid.uuid4()), time_limit_s=5)


def change(served: ports.Port) -> None:
    """The port gets longer names, as a changed extended data type makes them."""
    shared = served.files["sharedtypes.xsd"]
    served.files["sharedtypes.xsd"] = shared.replace(b'<xs:maxLength value="10"/>', b'<xs:maxLength value="20"/>')
    assert served.files["sharedtypes.xsd"] != shared


def test_a_worker_that_starts_again_asks_nobody(server: Peer, served: ports.Port, shelf: Path) -> None:
    target = planned(server.url)
    first = opened(aos.Door(keep_in=shelf), target)
    served.fetched.clear()
    again = aos.Door(keep_in=shelf)
    assert aos.knows(again, target)
    port = opened(again, target)
    assert served.fetched == []
    assert port.service == first.service
    assert port.invalid(b"<x/>") == first.invalid(b"<x/>")
    assert create(port) == []


def test_a_port_is_read_once_per_process(server: Peer, served: ports.Port, shelf: Path) -> None:
    target, door = planned(server.url), aos.Door(keep_in=shelf)
    served.fetched.clear()
    for _ in range(3):
        opened(door, target)
    assert served.fetched.count("wsdl") == 1


def test_threads_that_start_at_once_share_what_is_fetched(server: Peer, served: ports.Port) -> None:
    target, door = planned(server.url), aos.Door()
    served.fetched.clear()
    start = threading.Barrier(4)

    def work(_: int) -> aos.Port:
        start.wait(10)
        return opened(door, target)

    with ThreadPoolExecutor(4) as pool:
        assert len({port.service.name for port in pool.map(work, range(4))}) == 1
    assert served.fetched.count("wsdl") < 4


def test_threads_that_wait_for_a_port_that_is_away_all_learn_it(server: Peer, served: ports.Port) -> None:
    target, door = planned(server.url), aos.Door()
    served.files.clear()
    with ThreadPoolExecutor(4) as pool:
        for asked in [pool.submit(opened, door, target) for _ in range(8)]:
            with pytest.raises(GiveUp, match="404"):
                asked.result(10)


def test_a_survey_looks_at_the_port_as_it_is_now(server: Peer, served: ports.Port, shelf: Path) -> None:
    door = aos.Door(keep_in=shelf)
    old = aos.read_metadata(door, [server.url])
    change(served)
    new = aos.read_metadata(door, [server.url])
    assert new.fingerprint != old.fingerprint
    target = planned(server.url)
    assert target.contract == new.fingerprint
    served.fetched.clear()
    opened(aos.Door(keep_in=shelf), target)
    assert served.fetched == []


def test_another_contract_than_was_planned_with_is_fetched(server: Peer, served: ports.Port, shelf: Path) -> None:
    opened(aos.Door(keep_in=shelf), planned(server.url))
    change(served)
    target = planned(server.url)
    served.fetched.clear()
    opened(aos.Door(keep_in=shelf), target)
    assert "wsdl" in served.fetched


def kept(shelf: Path) -> Path:
    (file,) = shelf.iterdir()
    return file


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def rewrite(file: Path, change_of: dict[str, str], *, also: dict[str, bytes] | None = None) -> None:
    with zipfile.ZipFile(file) as old:
        contents = {name: old.read(name) for name in old.namelist()}
    label = json.loads(contents["contract.json"]) | change_of
    with zipfile.ZipFile(file, "w") as new:
        for name, content in (contents | {"contract.json": json.dumps(label).encode()} | (also or {})).items():
            new.writestr(name, content)


def misname(file: Path) -> None:
    rewrite(file, {"root": "http://contract.invalid/99"})


def misplace(file: Path) -> None:
    rewrite(file, {"address": "http://other.example/x.svc"})


def lead_astray(file: Path) -> None:
    wsdl = (
        b'<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/"><d:import location="http://other.example/x"/></d:definitions>'
    )
    rewrite(file, {}, also={"0": wsdl})


def entity(file: Path) -> None:
    rewrite(file, {}, also={"0": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'})


def another(file: Path) -> None:
    rewrite(file, {}, also={"0": b'<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/"/>'})


def no_wsdl(file: Path) -> None:
    rewrite(file, {}, also={"0": b"<x/>"})


def no_label(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as new:
        new.writestr("contract.json", "[]")


@pytest.mark.parametrize("damage", [cut, flip, empty, misname, misplace, lead_astray, entity, another, no_wsdl, no_label])
def test_a_damaged_copy_is_fetched_again(damage: object, server: Peer, served: ports.Port, shelf: Path) -> None:
    target = planned(server.url)
    opened(aos.Door(keep_in=shelf), target)
    damage(kept(shelf))  # type: ignore[operator]
    served.fetched.clear()
    opened(aos.Door(keep_in=shelf), target)
    assert "wsdl" in served.fetched
    served.fetched.clear()
    opened(aos.Door(keep_in=shelf), target)
    assert served.fetched == []


def test_a_folder_that_cannot_be_written_costs_no_load(server: Peer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert create(opened(aos.Door(keep_in=tmp_path / "file" / "contracts"), planned(server.url))) == []


def test_so_many_contracts_are_kept_and_no_more(server: Peer, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MAX_KEPT", 3)
    door = aos.Door(keep_in=shelf)
    addresses = [f"{server.base}/{number}/xppservice.svc" for number in range(keeping.MAX_KEPT + 3)]
    for age, address in enumerate(addresses):
        aos.read_metadata(door, [address])
        newest = max(shelf.iterdir(), key=lambda file: file.stat().st_ctime_ns)
        os.utime(newest, (age, age))
    assert len(list(shelf.iterdir())) == keeping.MAX_KEPT
    found = aos.read_metadata(door, [addresses[-1]]).fingerprint
    fresh = aos.Door(keep_in=shelf)
    assert fresh.known(addresses[-1], found) is not None
    assert fresh.known(addresses[0], found) is None


def test_processes_that_write_at_once_leave_a_whole_file(server: Peer, served: ports.Port, shelf: Path) -> None:
    target = planned(server.url)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: aos.read_metadata(aos.Door(keep_in=shelf), [server.url]), range(8)))
    served.fetched.clear()
    opened(aos.Door(keep_in=shelf), target)
    assert served.fetched == []
    assert len(list(shelf.iterdir())) == 1


NOT_SUPPORTED = ports.fault(
    "a:ActionNotSupported",
    "The message cannot be processed at the receiver, due to a ContractFilter mismatch at the EndpointDispatcher.",
)
CHILD = ports.fault(
    "s:Client",
    "The element 'PaymSched' has invalid child element 'Note'. List of possible elements expected: 'Name'.",
)


def test_a_port_that_has_changed_is_noticed_and_its_copies_are_dropped(server: Peer, served: ports.Port, shelf: Path) -> None:
    target, door = planned(server.url), aos.Door(keep_in=shelf)
    port = opened(door, target)
    change(served)
    for reply in (NOT_SUPPORTED, CHILD):
        served.reply = lambda _, reply=reply: reply  # type: ignore[misc]
        with pytest.raises(GiveUp) as failed:
            create(port)
        assert failed.value.code == "RSC-5930"
    assert not aos.knows(door, target)
    assert not aos.knows(aos.Door(keep_in=shelf), target)
    with pytest.raises(GiveUp, match="has changed since this job was planned"):
        opened(door, target)
    served.reply = lambda _: ports.keys()
    assert create(opened(door, planned(server.url))) == []


def test_a_port_that_is_just_being_activated_is_called_again(server: Peer, served: ports.Port, shelf: Path) -> None:
    target, door = planned(server.url), aos.Door(keep_in=shelf)
    port = opened(door, target)
    served.reply = lambda _: NOT_SUPPORTED
    with pytest.raises(Retry) as failed:
        create(port)
    assert type(failed.value) is Retry
    served.reply = lambda _: ports.keys()
    assert create(opened(door, target)) == []


def test_a_row_that_the_schema_of_an_unchanged_port_refuses_is_the_row_s_fault(server: Peer, served: ports.Port) -> None:
    target, door = planned(server.url), aos.Door()
    port = opened(door, target)
    served.reply = lambda _: CHILD
    served.fetched.clear()
    for _ in range(5):
        with pytest.raises(Refusal, match="invalid child element"):
            create(port)
    assert served.fetched.count("wsdl") == 1


def test_a_port_that_is_away_when_it_is_asked_is_asked_later(server: Peer, served: ports.Port) -> None:
    target, door = planned(server.url), aos.Door()
    port = opened(door, target)
    served.reply = lambda _: NOT_SUPPORTED
    served.files.clear()
    with pytest.raises(GiveUp, match="404"):
        create(port)


def test_a_contract_that_was_given_is_not_compared_with_the_port(server: Peer, served: ports.Port, tmp_path: Path) -> None:
    packed = tmp_path / "c.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in ports.folder().items():
            archive.writestr(name, content)
    door, given = aos.Door(), packed.read_bytes()
    found = aos.read_metadata(door, [server.url], contract_zip=given)
    target = Target(address=server.url, port="p", service=found.services[0].name, contract=found.fingerprint, given=True)
    port = aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=given)
    served.reply = lambda _: NOT_SUPPORTED
    with pytest.raises(GiveUp) as failed:
        create(port)
    assert failed.value.code == "RSC-5930"
    assert served.fetched == []
    assert not aos.knows(door, target)
