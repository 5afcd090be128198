"""Whoever has the broker reads no row, and makes no AOS do anything that the dispatcher did not order."""

import base64
import json
import re
import zlib
from pathlib import Path

import pytest

from connector.wire import codec, keys, sealing
from connector.wire.jobs import Grant
from connector.wire.reports import BatchDone, BatchRef, Outcomes
from tests.journeys.driving import eventually
from tests.sealing.conftest import SECRET, Scene

pytestmark = pytest.mark.slow


def readable(content: bytes) -> bool:
    """Whether the secret can be made out: as it stands, in base64, or packed; one within the other."""
    todo, seen = [content], 0
    while todo and seen < 20_000:
        seen += 1
        found = todo.pop()
        if SECRET.encode() in found:
            return True
        for text in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", found):
            raw = base64.b64decode(text + b"=" * (-len(text) % 4))
            todo.append(raw)
            for start in (0, 24):
                inflater = zlib.decompressobj()
                try:
                    todo.append(inflater.decompress(raw[start:], 10**7))
                except zlib.error:
                    continue
    return False


def broker_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 10**8)


def on_the_broker(scene: Scene) -> bytes:
    everything = [b"".join(scene.queued(name)) for name in ("A1", "A2")]
    return b"".join([*everything, *(fields[b"m"] for fields in scene.reports), broker_files(scene.site.folder / "broker")])


def task_text(message: bytes) -> str:
    text: str = json.loads(base64.b64decode(json.loads(message)["body"]))[0][0]
    return text


def with_text(message: bytes, text: str) -> bytes:
    task = json.loads(message)
    body = json.loads(base64.b64decode(task["body"]))
    body[0][0] = text
    task["body"] = base64.b64encode(json.dumps(body).encode()).decode()
    task["properties"]["delivery_tag"] += "x"
    return json.dumps(task).encode()


def anew(message: bytes) -> bytes:
    return with_text(message, task_text(message))


def altered(message: bytes, part: str) -> bytes:
    sealed = json.loads(task_text(message))
    at = len(sealed[part]) // 2
    sealed[part] = sealed[part][:at] + ("B" if sealed[part][at] != "B" else "C") + sealed[part][at + 1 :]
    return with_text(message, json.dumps(sealed))


@pytest.mark.parametrize("is_sealed", [True, False])
def test_no_row_can_be_read_on_the_broker_its_traffic_or_its_disk(scene: Scene, is_sealed: bool) -> None:
    """The same look finds the rows where the endpoint is not sealed: it can see."""
    scene.endpoint("A1", sealed=is_sealed)
    job = scene.submit("A1")
    scene.site.start_worker("A1")
    assert scene.ended(job)["state"] == "succeeded"
    eventually(lambda: any(b"batch.done" in fields[b"m"] for fields in scene.reports), what="the last report")
    assert readable(on_the_broker(scene)) is not is_sealed
    shown = scene.site.json("endpoint", "show", "A1")
    assert shown["sealing"]["sealed"] is is_sealed
    assert shown["sealing"]["refused"] == []


def test_altered_forged_swapped_and_repeated_messages_are_refused_and_counted(scene: Scene) -> None:
    for name in ("A1", "A2"):
        scene.endpoint(name)
    site = scene.site
    site.start_worker("A1")
    first = scene.submit("A1", rows=3)
    assert scene.ended(first)["state"] == "succeeded", "metadata are read, all is well"
    site.running["worker-A1"].terminate()
    site.running["worker-A1"].wait(30)
    site.start("crew", "workers", "run", "--endpoint", "A2")

    job = scene.submit("A1", start=100)
    original = eventually(lambda: scene.queued("A1"), what="an order on the queue")[-1]
    attack(scene, original)
    scene.push("A2", anew(original))  # swapped: to another endpoint
    scene.await_refused("A2", misdirected=1)
    assert site.stats("A2")["calls"] == 0

    site.start_worker("A1")
    ended = scene.ended(job)
    assert ended["state"] == "succeeded"
    assert ended["rows"]["created"] == 40  # type: ignore[index]
    scene.await_refused("A1", altered=3, forged=1, plain=1, misdirected=1)

    calls = site.stats("A1")["calls"]
    scene.push("A1", anew(original))  # replayed: what was carried out long ago
    replayed = [fields for fields in scene.reports if fields[b"stream"].endswith(b"a1:reports")][-20:]
    for fields in replayed:
        scene.redis.xadd("aos.a1:reports", {"m": fields[b"m"]})
    forged = BatchDone(endpoint="A1", worker="w", ref=BatchRef(job=job, step=1, batch=1), outcomes=Outcomes(letters="ffff"))
    scene.redis.xadd("aos.a1:reports", {"m": codec.encode(forged)})
    found = scene.await_refused("A1", repeated=len(replayed) + 1, plain=2)
    assert found["dispatcher", "repeated"] == len(replayed)
    assert found["worker", "repeated"] == 1
    assert site.stats("A1")["calls"] == calls
    assert site.stats("A1")["rows_created"] == 43
    assert site.job(job)["rows"] == ended["rows"]


def attack(scene: Scene, original: bytes) -> None:
    """Five ways to have something else done than was ordered, before the honest message is taken."""
    for part in ("head", "body", "signature"):
        scene.push("A1", altered(original, part))
    text = task_text(original)
    head = sealing.head_of(text)
    assert head is not None
    stranger = keys.generate()
    stamp = sealing.Stamp(way=sealing.Way.ORDER, endpoint="A1", ref=head.ref)
    mine = keys.load(scene.home / "endpoints" / "a1" / "machine.key")[-1].public
    scene.push("A1", with_text(original, sealing.seal(Grant(granted=True), stamp, sender=(stranger,), readers=(mine,))))
    scene.push("A1", with_text(original, codec.encode(Grant(granted=True))))
    other_task = json.loads(anew(original))
    other_task["headers"]["task"] = "load.classes"
    other_task["headers"]["id"] += "9"
    scene.push("A1", json.dumps(other_task).encode())
