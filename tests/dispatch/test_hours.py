"""The hours in which an endpoint takes loads, over the days on which clocks are changed as well."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dispatch import hours
from connector.errors import Refused

NIGHTS = hours.parse("weekdays 20:00-06:00 Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "UTC")


def at(text, zone="Europe/Berlin"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-03-02T19:59:59", False),
        ("2026-03-02T20:00", True),
        ("2026-03-03T05:59:59", True),
        ("2026-03-03T06:00", False),
        ("2026-03-07T05:00", True),  # Friday's window, on Saturday
        ("2026-03-07T20:00", False),
        ("2026-03-09T05:00", False),  # Sunday is none of its days
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(when, is_open):
    assert NIGHTS.is_open(at(when)) is is_open


def test_several_windows_and_whole_days():
    found = hours.parse("mon-thu 22:00 to 05:00, Saturday 00:00-24:00, sun 0:00-12:30 America/New_York")
    assert str(found) == "mon-thu 22:00 to 05:00, saturday 00:00 to 24:00, sun 0:00 to 12:30 America/New_York"
    week = [found.is_open(at(f"2026-06-{day:02d}T12:00", "America/New_York")) for day in range(1, 8)]
    assert week == [False] * 5 + [True, True]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-03-02T12:00", "today at 20:00"),
        ("2026-03-08T12:00", "tomorrow at 20:00"),
        ("2026-03-07T12:00", "on Monday at 20:00"),
    ],
)
def test_when_it_opens_is_told_in_words(now, said):
    assert NIGHTS.said(NIGHTS.opens_at(at(now)), now=at(now)) == said


def test_an_hour_that_is_skipped_shortens_a_window():
    """On 29 March 2026 clocks in Berlin go from 02:00 to 03:00."""
    found = hours.parse("sun 02:30-04:00 Europe/Berlin")
    assert found.opens_at(at("2026-03-28T12:00")) == at("2026-03-29T03:00")
    assert not hours.parse("sun 02:00-03:00 Europe/Berlin").is_open(at("2026-03-29T03:00"))
    gone = hours.parse("sun 02:10-02:50 Europe/Berlin")
    assert gone.opens_at(at("2026-03-28T12:00")) == at("2026-04-05T02:10"), "a window that is skipped whole comes next week"


def test_an_hour_that_comes_twice_does_not_open_a_window_twice():
    """On 25 October 2026 clocks in Berlin go from 03:00 back to 02:00."""
    found = hours.parse("sun 00:00-02:30 Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 29, tzinfo=ZoneInfo("Europe/Berlin"))
    assert found.is_open(first.timestamp())
    assert not found.is_open(first.replace(fold=1).timestamp())
    assert NIGHTS.is_open(at("2026-10-24T01:00"))


MINUTES = st.integers(0, 24 * 60 - 1)
TWO_YEARS = st.integers(int(at("2026-01-01T00:00", "UTC")), int(at("2028-01-01T00:00", "UTC")))


@given(
    zone=st.sampled_from(ZONES),
    start=MINUTES,
    length=st.integers(1, 24 * 60 - 1),
    now=TWO_YEARS,
)
def test_it_opens_when_it_says_and_not_before(zone, start, length, now):
    """On every day of two years, those on which clocks change among them."""
    end = (start + length) % (24 * 60)
    found = hours.parse(f"daily {start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d} {zone}")
    opens = found.opens_at(now)
    assert found.is_open(opens)
    if found.is_open(now):
        assert opens == now
        return
    assert not found.is_open((now + opens) / 2)
    assert not found.is_open(opens - 1)
    assert 0 < opens - now <= timedelta(days=2).total_seconds()
    wall = datetime.fromtimestamp(opens, ZoneInfo(zone))
    before = datetime.fromtimestamp(opens - 1, ZoneInfo(zone))
    asked = (start // 60, start % 60)
    assert (wall.hour, wall.minute) == asked or before.utcoffset() != wall.utcoffset(), "by the clock, but for a skipped hour"


@given(zone=st.sampled_from(ZONES), now=TWO_YEARS)
def test_whole_days_are_open_always(zone, now):
    assert hours.parse(f"daily 00:00-24:00 {zone}").is_open(now)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no hours and a time zone"),
        ("weekdays 20:00-06:00", "time zone"),
        ("weekdays 20:00-06:00 Europe/Berlon", "'Europe/Berlon' is not the name of a time zone"),
        ("weekdays 20:00-06:00 ../../etc/passwd", "not the name of a time zone"),
        ("sometimes 20:00-06:00 UTC", "'sometimes' is no day"),
        ("weekdays-sun 20:00-06:00 UTC", "no run of days"),
        ("weekdays 20:00-25:00 UTC", "'25:00' is no time of the day"),
        ("weekdays 20:60-23:00 UTC", "'20:60' is no time of the day"),
        ("weekdays 8-12 UTC", "no window of hours"),
        ("daily 08:00-08:00 UTC", "begins when it ends"),
        ("daily 08:00-09:00, UTC", "no window of hours"),
    ],
)
def test_what_means_nothing_is_refused_with_an_example(text, why):
    with pytest.raises(Refused, match=why) as refused:
        hours.parse(text)
    assert refused.value.advice
