"""Keys change while batches are on the way, and come back out of a backup: nothing is lost, nothing is taken for forged."""

import pytest

from connector.wire import keys
from tests.journeys.driving import eventually
from tests.sealing.conftest import Scene

pytestmark = pytest.mark.slow


def stop(scene: Scene, name: str) -> None:
    process = scene.site.running.pop(name)
    process.terminate()
    process.wait(60)


def on_the_way(scene: Scene, start: int) -> str:
    """A load whose orders lie on the queue, with nobody to take them."""
    job = scene.submit("A1", start=start)
    eventually(lambda: scene.queued("A1"), what="an order on the queue")
    return job


def test_a_new_key_and_an_old_one_out_of_a_backup(scene: Scene) -> None:
    scene.endpoint("A1")
    file = scene.home / "dispatcher.key"
    trusted = scene.home / "endpoints" / "a1" / "dispatcher.pub"
    scene.site.start_worker("A1")
    assert scene.ended(scene.submit("A1", rows=2))["state"] == "succeeded"
    stop(scene, "worker-A1")

    rotated = on_the_way(scene, 100)
    stop(scene, "dispatcher")
    before = file.read_bytes()
    keys.rotate(file)
    scene.site.start_dispatcher()
    scene.site.start_worker("A1")
    assert scene.ended(rotated)["state"] == "succeeded"
    ring = [key.public.text for key in keys.load(file)]
    eventually(lambda: trusted.read_text().split() == ring, what="the new key at the worker")
    stop(scene, "worker-A1")

    restored = on_the_way(scene, 200)
    stop(scene, "dispatcher")
    file.write_bytes(before)
    scene.site.start_dispatcher()
    scene.site.start_worker("A1")
    assert scene.ended(restored)["state"] == "succeeded"
    assert scene.refused("A1") == {}
    assert scene.site.stats("A1")["rows_created"] == 2 + 40 + 40


def test_a_dispatcher_without_its_key_does_not_start_with_another_one(scene: Scene) -> None:
    scene.endpoint("A1")
    stop(scene, "dispatcher")
    (scene.home / "dispatcher.key").unlink()
    done = scene.site.rapidstart("dispatcher")
    assert done.returncode == 3
    assert "know their dispatcher by the key" in done.stderr
    assert not (scene.home / "dispatcher.key").exists()


def test_a_machine_whose_key_was_replaced_opens_what_was_sealed_for_the_old_one(scene: Scene) -> None:
    scene.endpoint("A1")
    scene.site.start_worker("A1")
    assert scene.ended(scene.submit("A1", rows=2))["state"] == "succeeded"
    stop(scene, "worker-A1")
    job = on_the_way(scene, 100)
    machine = keys.rotate(scene.home / "endpoints" / "a1" / "machine.key")
    scene.admit("A1", machine)
    scene.site.start_worker("A1")
    assert scene.ended(job)["state"] == "succeeded"
    assert scene.refused("A1") == {}
