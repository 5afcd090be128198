"""Percentiles of calls, from the counts that are kept for metrics."""

from connector.meter import Meter
from connector.web.pages.latency import latency


def test_percentiles_are_the_bounds_under_which_so_many_calls_stayed():
    meter = Meter()
    meter.called("AOS-Test", calls=90, seconds=90 * 0.2)
    meter.called("AOS-Test", calls=8, seconds=8 * 4.0)
    meter.called("AOS-Test", calls=2, seconds=2 * 500.0)
    meter.called("Other", calls=50, seconds=50 * 30.0)
    told = latency(meter, "aos-test")
    assert (told.half_s, told.most_s, told.nearly_all_s, told.calls) == ("0.25", "5", "> 160", 100)


def test_of_no_call_nothing_is_told():
    assert latency(Meter(), "AOS-Test") is None
