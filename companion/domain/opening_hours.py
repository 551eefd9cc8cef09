"""Opening hours: when the practice is open, and time counted in its opening days.

What the practice has set is an `Opening`; the rest follows from the practitioners' working hours,
and is Monday to Friday, 08:00 to 18:00, for whoever has not said. `OpeningHours` counts: each open
day is one opening day, shared out evenly over its hours, whatever their number; nights, weekends
and closed days are nothing. Clock times are those of the practice's zone, so a day on which the
clocks change is one opening day too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from companion.domain.availability import DAYS, WorkingHours
from companion.domain.errors import BadInput

USUAL_DAYS = range(5)
USUAL_TIMES = (time(8), time(18))
LONGEST_CLOSURE = 366
_MOST_DAYS = 4000
"""Days that are looked through at most."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Days on which the practice is closed, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What the practice has set."""

    days: frozenset[int] = frozenset()
    """Weekdays, 0 is Monday; empty for those on which somebody works."""
    opens: time | None = None
    """None, and `closes` too, for the times between which somebody works."""
    closes: time | None = None
    closures: tuple[Closure, ...] = ()
    """In the order of time; none overlaps another."""


def check_opening(opening: Opening, field: str = "opening") -> Opening:
    """Raises BadInput."""
    if not all(0 <= each < 7 for each in opening.days):
        raise BadInput("That is no day of the week.", field=field)
    if (opening.opens is None) != (opening.closes is None):
        raise BadInput("One of the two opening times is missing.", field=field)
    if opening.opens and opening.closes and opening.closes <= opening.opens:
        raise BadInput("It closes before it opens.", "Correct a time.", field=field)
    for each in opening.closures:
        if each.last < each.first:
            raise BadInput(
                f"The closed days from {each.first} to {each.last} end before they begin.",
                "Correct one of the two dates.",
                field=field,
            )
        if (each.last - each.first).days >= LONGEST_CLOSURE:
            raise BadInput(
                f"From {each.first} to {each.last} is more than a year.",
                "Correct one of the two dates.",
                field=field,
            )
    for one, other in pairwise(opening.closures):
        if other.first <= one.last:
            raise BadInput(
                f"{other.first} is listed twice among the closed days, or not in order.",
                "Name each day once.",
                field=field,
            )
    return opening


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    timezone: str
    week: tuple[tuple[time, time] | None, ...]
    """From Monday on: when the practice opens and closes, None where it does not open."""
    closures: tuple[Closure, ...] = ()

    @property
    def days_a_week(self) -> int:
        return sum(each is not None for each in self.week)

    def local_date(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def closed_days(self, first: date, last: date) -> list[date]:
        """Those of the closures in [first, last] on which it would have been open."""
        return [
            day
            for each in self.closures
            for day in _dates(max(first, each.first), min(last, each.last))
            if self.week[day.weekday()] is not None
        ]

    def without_closures(self) -> OpeningHours:
        return OpeningHours(timezone=self.timezone, week=self.week)

    def between(self, start: datetime, end: datetime) -> float:
        """Opening days in [start, end), aware moments."""
        return sum(
            max(timedelta(0), min(end, closes) - max(start, opens)) / (closes - opens)
            for day in _dates(self.local_date(start) - _DAY, self.local_date(end))
            if (span := _span(self, day)) is not None
            for opens, closes in [span]
        )

    def after(self, start: datetime, days: float) -> datetime | None:
        """When `days` opening days have passed since `start`; None for one of the far future."""
        first = self.local_date(start) - _DAY
        for day in _dates(first, first + _MOST_DAYS * _DAY):
            span = _span(self, day)
            if span is None or span[1] <= start:
                continue
            begins, whole = max(start, span[0]), span[1] - span[0]
            share = (span[1] - begins) / whole
            if share >= days:
                return begins + days * whole
            days -= share
        return None


def opening_hours(
    opening: Opening, timezone: str, working: Iterable[Sequence[WorkingHours]]
) -> OpeningHours:
    """`working`: of each practitioner, empty for one who has not said."""
    everybody = [*working]
    known = [each for hours in everybody for each in hours]
    if not known or not all(everybody):
        opens, closes = USUAL_TIMES
        known += [WorkingHours(weekday=day, start=opens, end=closes) for day in USUAL_DAYS]
    week: list[tuple[time, time] | None] = []
    for weekday in range(7):
        that_day = [each for each in known if each.weekday == weekday]
        is_open = weekday in opening.days if opening.days else bool(that_day)
        if not is_open:
            week.append(None)
        elif opening.opens is not None and opening.closes is not None:
            week.append((opening.opens, opening.closes))
        else:
            chosen = that_day or known
            week.append((min(e.start for e in chosen), max(e.end for e in chosen)))
    return OpeningHours(timezone=timezone, week=tuple(week), closures=opening.closures)


def in_words(hours: OpeningHours) -> str:
    """``Monday to Friday, 08:00 to 18:00``; the longest times where they differ."""
    open_days = [day for day, each in enumerate(hours.week) if each is not None]
    named = [DAYS[day] for day in open_days]
    row = len(named) > 2 and open_days == [*range(open_days[0], open_days[-1] + 1)]
    days = f"{named[0]} to {named[-1]}" if row else ", ".join(named)
    times = [each for each in hours.week if each is not None]
    opens, closes = min(e[0] for e in times), max(e[1] for e in times)
    return f"{days}, {opens:%H:%M} to {closes:%H:%M}"


@lru_cache(maxsize=8192)
def _span(hours: OpeningHours, day: date) -> tuple[datetime, datetime] | None:
    """In UTC; None where the practice is closed, or the clocks leave nothing of its hours."""
    times = hours.week[day.weekday()]
    if times is None or any(each.first <= day <= each.last for each in hours.closures):
        return None
    zone = ZoneInfo(hours.timezone)
    opens, closes = (datetime.combine(day, each, zone).astimezone(UTC) for each in times)
    return (opens, closes) if opens < closes else None


def _dates(first: date, last: date) -> Iterable[date]:
    for number in range((last - first).days + 1):
        yield first + number * _DAY
