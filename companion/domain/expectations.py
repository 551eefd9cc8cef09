"""Expectations: when each source of appointments should have come again, and which has not.

A source that comes by itself (a watched folder; any other with arrivals to show) is expected in
its own rhythm: the longest time that it usually takes, counted in the practice's opening days.
A source that has come only a few times, or for less than a week, has no rhythm yet and is not
expected. A person can set the rhythm instead.

A closed day on whose weekday a source usually comes may have kept it away: the source is then
expected as if it had come that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from companion.domain.opening_hours import OpeningHours

ARRIVALS = 400
"""Looked at of each source, the newest ones."""
_INSTANT = 1e-6
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SAME_TIME = timedelta(hours=3)
"""A weekly source may come so much earlier than a week later."""


class Expected(StrEnum):
    """How often a source should come."""

    AUTOMATIC = "automatic"
    """In the rhythm of its past arrivals."""
    DAILY = "daily"
    """Each opening day."""
    WEEKLY = "weekly"
    NEVER = "never"
    """Nothing is expected of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledSource:
    name: str
    arrivals: Sequence[datetime]
    """Aware, oldest first: when a file or an answer of it went into the book."""
    expected: Expected = Expected.AUTOMATIC


def rhythm(source: ScheduledSource, hours: OpeningHours) -> float | None:
    """Opening days from one arrival to the next, at the longest; None where none is expected."""
    if source.expected is Expected.NEVER or not source.arrivals:
        return None
    if source.expected is Expected.DAILY:
        return 1.0
    if source.expected is Expected.WEEKLY:
        return float(hours.days_a_week)
    span = source.arrivals[-1] - source.arrivals[0]
    days = {hours.local_date(each) for each in source.arrivals}
    frequent = len(source.arrivals) >= ARRIVALS
    if len(days) < 3 or (span < _WEEK - _SAME_TIME and not frequent):
        return None
    plain = hours.without_closures()
    gaps = sorted(
        plain.between(start, end) for start, end in pairwise(_with_kept_away(source, hours))
    )
    # In two weeks whatever is usual has happened twice: the longest alone was a failure.
    usual = gaps[-2] if span >= 2 * _WEEK - _SAME_TIME else gaps[-1]
    return usual or 1.0


def _with_kept_away(source: ScheduledSource, hours: OpeningHours) -> list[datetime]:
    """Its arrivals, and those that closed days may have kept away."""
    habit = _Habit(source, hours)
    found = [source.arrivals[0]]
    for start, end in pairwise(source.arrivals):
        for day in habit.kept_away(hours.local_date(start), hours.local_date(end) - _DAY):
            found += [habit.at(day, habit.first), habit.at(day, habit.last)]
        found.append(end)
    return found


class _Habit:
    """On which weekdays, and from when to when, a source comes."""

    def __init__(self, source: ScheduledSource, hours: OpeningHours) -> None:
        self._hours = hours
        self._zone = ZoneInfo(hours.timezone)
        local = [each.astimezone(self._zone) for each in source.arrivals]
        self._weekdays = {each.weekday() for each in local}
        self.first = min(each.time() for each in local)
        self.last = max(each.time() for each in local)

    def kept_away(self, after: date, until: date) -> list[date]:
        """Closed days in (after, until] on whose weekday it comes."""
        closed = self._hours.closed_days(after + _DAY, until)
        return [day for day in closed if day.weekday() in self._weekdays]

    def at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self._zone).astimezone(UTC)


def due(source: ScheduledSource, hours: OpeningHours) -> datetime | None:
    """When its next arrival is expected at the latest; None where none is."""
    days = rhythm(source, hours)
    if days is None:
        return None
    habit, plain = _Habit(source, hours), hours.without_closures()
    day = hours.local_date(source.arrivals[-1])
    expected = plain.after(source.arrivals[-1], days)
    # Each round begins at a later closed day, so it ends.
    while expected and (away := habit.kept_away(day, _next_open_day(expected, plain))):
        day = away[0]
        expected = plain.after(habit.at(day, habit.last), days)
    return expected


def _next_open_day(moment: datetime, hours: OpeningHours) -> date:
    """When opening time next passes: until then it is as if `moment` went on."""
    return hours.local_date(hours.after(moment, _INSTANT) or moment)


def overdue(
    sources: Iterable[ScheduledSource],
    hours: OpeningHours,
    *,
    late: float,
    now: datetime,
) -> list[ScheduledSource]:
    """Those that have not come for `late` opening days after they should have."""
    found = []
    for source in sources:
        expected = due(source, hours)
        limit = None if expected is None else hours.after(expected, late)
        if limit is not None and now > limit:
            found.append(source)
    return found
