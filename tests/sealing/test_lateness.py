"""What somebody drops or reorders on the broker is noticed as lateness, and made good."""

import pytest

from connector.wire import routes
from tests.journeys.driving import eventually
from tests.sealing.conftest import Scene

pytestmark = pytest.mark.slow


def test_orders_that_are_dropped_are_missed_and_sent_again(scene: Scene) -> None:
    scene.endpoint("A1")
    scene.site.start_worker("A1")
    assert scene.ended(scene.submit("A1", rows=2))["state"] == "succeeded"
    stop(scene, "worker-A1")
    job = scene.submit("A1", start=100)
    eventually(lambda: scene.queued("A1"), what="an order on the queue")
    scene.redis.delete(routes.queue("A1"))
    scene.site.start_worker("A1")
    ended = scene.ended(job)
    assert (ended["state"], ended["rows"]["created"]) == ("succeeded", 40)  # type: ignore[index]
    assert "lost on the way; it is sent again" in scene.site.rapidstart("job", "log", job).stdout


def test_in_which_order_they_come_decides_nothing(scene: Scene) -> None:
    scene.site.extra["RAPIDSTART_BATCH_ROWS"] = "10"
    stop(scene, "dispatcher")
    scene.site.start_dispatcher()
    scene.endpoint("A1")
    scene.site.start_worker("A1")
    assert scene.ended(scene.submit("A1", rows=2))["state"] == "succeeded"
    stop(scene, "worker-A1")
    job = scene.submit("A1", start=100)
    eventually(lambda: len(scene.queued("A1")) > 1, what="orders on the queue")
    orders = scene.queued("A1")
    scene.redis.delete(routes.queue("A1"))
    scene.redis.lpush(routes.queue("A1"), *orders)
    assert scene.queued("A1") == orders[::-1]
    scene.site.start_worker("A1")
    assert scene.ended(job)["state"] == "succeeded"
    assert scene.site.stats("A1")["rows_created"] == 2 + 40


def stop(scene: Scene, name: str) -> None:
    process = scene.site.running.pop(name)
    process.terminate()
    process.wait(60)
