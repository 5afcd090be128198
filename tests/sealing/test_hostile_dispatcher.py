"""A dispatcher that was taken over can do no more than the policy file on the AOS computer allows."""

import pytest

from tests.sealing.conftest import Scene

pytestmark = pytest.mark.slow


def test_what_the_policy_does_not_allow_is_told_and_never_called(scene: Scene) -> None:
    scene.endpoint("A1")
    policy = scene.home / "endpoints" / "a1" / "policy.toml"
    everything = policy.read_text()
    scene.site.start_worker("A1")
    assert scene.ended(scene.submit("A1", rows=2))["state"] == "succeeded", "this much is allowed"
    restart_worker(scene, everything.replace('operations = ["*"]', 'operations = ["*.read"]'))
    calls, before = scene.site.stats("A1")["calls"], scene.site.records("A1", "CustGroup")
    refused = scene.ended(scene.submit("A1", rows=5))
    assert refused["state"] == "failed"
    assert "does not allow the operation" in str(refused["reason"])
    assert refused["code"] == "RSC-5981"
    restart_worker(scene, 'companies = ["USMF"]\n')
    tested = scene.site.rapidstart("endpoint", "test", "A1", "--json")
    assert "does not allow the address" in tested.stdout
    assert scene.site.stats("A1")["calls"] == calls
    assert scene.site.records("A1", "CustGroup") == before


def test_a_registered_endpoint_without_its_policy_file_does_nothing(scene: Scene) -> None:
    scene.endpoint("A1")
    (scene.home / "endpoints" / "a1" / "policy.toml").unlink()
    scene.site.start_worker("A1")
    scene.site.rapidstart("endpoint", "test", "A1", "--json")
    assert scene.site.stats("A1")["calls"] == 0


def restart_worker(scene: Scene, policy: str) -> None:
    worker = scene.site.running.pop("worker-A1")
    worker.terminate()
    worker.wait(60)
    (scene.home / "endpoints" / "a1" / "policy.toml").write_text(policy)
    scene.site.start_worker("A1")
