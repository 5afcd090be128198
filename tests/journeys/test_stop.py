"""SIGTERM, as service managers send it: everything ends in good order and leaves nothing."""

import signal

import pytest

from tests.journeys.driving import Site, living_with


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_dispatcher_that_is_told_to_stop_takes_its_broker_with_it(site: Site, end: signal.Signals) -> None:
    site.start_dispatcher()
    assert len(living_with(str(site.folder))) > 1
    process = site.running.pop("dispatcher")
    process.send_signal(end)
    assert process.wait(30) == (0 if end is signal.SIGTERM else 130), site.logs()
    assert living_with(str(site.folder)) == []
    assert "Traceback" not in site.logs()
