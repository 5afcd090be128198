"""The hours in which an endpoint takes loads: "weekdays 20:00-06:00, sat-sun 00:00-24:00 Europe/Berlin". Pure.

A window belongs to the day on which it begins, and may last over midnight. It begins at the first moment at which the clocks
of its time zone show its first minute or a later one, and ends likewise: an hour that is skipped shortens it, an hour that
comes twice lies in it twice, or not at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import Refused

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED: Final = {
    "daily": frozenset(range(7)),
    "weekdays": frozenset(range(5)),
    "weekends": frozenset({5, 6}),
    **{day[:length]: frozenset({no}) for no, day in enumerate(_DAYS) for length in (3, len(day))},
}
_WINDOW: Final = re.compile(r"(?P<days>[a-z]+(?: ?- ?[a-z]+)?) (?P<start>\d\d?:\d\d) ?(?:-|to) ?(?P<end>\d\d?:\d\d)", re.I)
_WHOLE_DAY: Final = 24 * 60
_ADVICE: Final = 'Write it as "weekdays 20:00-06:00 Europe/Berlin"; several windows are separated by commas.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Minutes of the days on which it begins. One that ends no later than it starts lasts over midnight."""

    days: frozenset[int]
    start: int
    end: int
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When loads may be sent."""

    windows: tuple[Window, ...]
    zone: ZoneInfo

    def __str__(self) -> str:
        return f"{', '.join(window.told for window in self.windows)} {self.zone.key}"

    def is_open(self, at: float) -> bool:
        """Whether loads may be sent at this time, in seconds since 1970."""
        return any(start <= at < end for start, end in self._spans(at, days=1))

    def opens_at(self, at: float) -> float:
        """When loads may be sent next: `at` itself where they may be sent now."""
        if self.is_open(at):
            return at
        return min(start for start, end in self._spans(at, days=15) if start > at and end > start)

    def said(self, at: float, *, now: float) -> str:
        """A time in the words of the zone's clock: today at 20:00, on Monday at 08:00."""
        then, today = (datetime.fromtimestamp(moment, self.zone) for moment in (at, now))
        day = {0: "today", 1: "tomorrow"}.get((then.date() - today.date()).days, f"on {_DAYS[then.weekday()].capitalize()}")
        return f"{day} at {then:%H:%M}"

    def _spans(self, at: float, *, days: int) -> Iterator[tuple[float, float]]:
        """Begin and end of every window from the day before `at` on, for some days."""
        today = datetime.fromtimestamp(at, self.zone).date()
        for day in (today + timedelta(days=offset) for offset in range(-1, days + 1)):
            for window in self.windows:
                if day.weekday() in window.days:
                    over_midnight = 0 if window.end > window.start else _WHOLE_DAY
                    yield self._moment(day, window.start), self._moment(day, window.end + over_midnight)

    def _moment(self, day: date, minutes: int) -> float:
        """The first moment at which the clocks show this minute of the day, or a later one."""
        wall = datetime.combine(day + timedelta(days=minutes // _WHOLE_DAY), time(*divmod(minutes % _WHOLE_DAY, 60)))
        first = wall.replace(tzinfo=self.zone).timestamp()
        if datetime.fromtimestamp(first, self.zone).replace(tzinfo=None) == wall:
            return first
        return self._skipped(wall.replace(tzinfo=self.zone, fold=1).timestamp(), first)

    def _skipped(self, before: float, after: float) -> float:
        """The moment, between two others, at which the clocks are put forward; to the second."""
        offset = datetime.fromtimestamp(before, self.zone).utcoffset()
        while after - before > 1:
            middle = (before + after) // 2
            if datetime.fromtimestamp(middle, self.zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after


def parse(text: str) -> Hours:
    """Read the hours of an endpoint. Raises Refused."""
    windows, _, zone = text.strip().rpartition(" ")
    if not windows or _WINDOW.fullmatch(text.strip()):
        raise Refused(f"{text!r} names no hours and a time zone.", advice=_ADVICE, value=text)
    return Hours(windows=tuple(_window(part.strip()) for part in windows.split(",")), zone=_zone(zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused(f"{name!r} is not the name of a time zone.", advice=_ADVICE, value=name) from error


def _window(text: str) -> Window:
    found = _WINDOW.fullmatch(" ".join(text.split()))
    if found is None:
        raise Refused(f"{text!r} is no window of hours.", advice=_ADVICE, value=text)
    start, end = _minutes(found["start"]), _minutes(found["end"])
    if start in (end, _WHOLE_DAY):
        raise Refused(f"{text!r} begins when it ends.", advice="Write a whole day as 00:00-24:00.", value=text)
    told = f"{found['days'].lower()} {found['start']} to {found['end']}"
    return Window(days=_days(found["days"]), start=start, end=end, told=told)


def _days(text: str) -> frozenset[int]:
    names = [name.strip().lower() for name in text.split("-")]
    for name in names:
        if name not in _NAMED:
            raise Refused(
                f"{name!r} is no day.", advice="Days are daily, weekdays, weekends, mon, tue ... or mon-thu.", value=name
            )
    if len(names) == 1:
        return _NAMED[names[0]]
    if any(len(_NAMED[name]) != 1 for name in names):
        raise Refused(f"{text!r} is no run of days.", advice="Write it as mon-thu.", value=text)
    (first,), (last,) = (_NAMED[name] for name in names)
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def _minutes(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    if minutes > 59 or hours * 60 + minutes > _WHOLE_DAY:
        raise Refused(f"{text!r} is no time of the day.", advice=_ADVICE, value=text)
    return hours * 60 + minutes
