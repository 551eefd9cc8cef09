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
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from companion.domain.opening_hours import OpeningHours

ARRIVALS = 400
"""Looked at of each source, the newest ones."""
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
    days = [hours.local_date(each) for each in source.arrivals]
    frequent = len(source.arrivals) >= ARRIVALS
    if len(set(days)) < 3 or (span < _WEEK - _SAME_TIME and not frequent):
        return None
    gaps: dict[bool, list[float]] = {False: [], True: []}
    for (start, end), (first, last) in zip(pairwise(source.arrivals), pairwise(days), strict=True):
        gaps[bool(hours.closed_days(first, last))].append(hours.between(start, end))
    usual = sorted(gaps[False] or gaps[True])
    # In two weeks whatever is usual has happened twice: the longest alone was a failure.
    once = span >= 2 * _WEEK - _SAME_TIME and len(usual) > 2
    return usual[-2 if once else -1] or 1.0


def due(source: ScheduledSource, hours: OpeningHours) -> datetime | None:
    """When its next arrival is expected at the latest; None where none is."""
    days = rhythm(source, hours)
    if days is None:
        return None
    last = source.arrivals[-1].astimezone(ZoneInfo(hours.timezone))
    weekdays = {hours.local_date(each).weekday() for each in source.arrivals}
    plain = hours.without_closures()
    expected = plain.after(last, days)
    if expected is None:
        return None
    # Each round begins at a later closed day, so it ends.
    from_day = last.date() + timedelta(days=1)
    while missed := [
        day
        for day in hours.closed_days(from_day, hours.local_date(expected))
        if day.weekday() in weekdays
    ]:
        as_if = datetime.combine(missed[0], last.timetz())
        expected = plain.after(as_if, days)
        if expected is None:
            return None
        from_day = missed[0] + timedelta(days=1)
    return expected


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
