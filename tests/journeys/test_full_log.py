"""A worker whose log lies on a full disk works nevertheless: a log is no reason to let an AOS wait."""

import sys

import pytest

from tests.journeys.driving import Site, eventually

resource = pytest.importorskip("resource", reason="Windows has no limits of this kind")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the disk is made full by a limit of the process, in Linux")


def test_a_worker_starts_although_its_log_can_take_nothing_more(site: Site) -> None:
    site.start_dispatcher()
    site.json("endpoint", "add", "A1", "--url", "http://aos.test:80", "--port", "RapidStart", "--company", "USMF")
    site.start_worker("A1")
    process = site.running["worker-A1"]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # long before it has said anything
    eventually(lambda: site.json("endpoint", "show", "A1")["state"] == "online", what="a worker that is there")
    assert process.poll() is None
