"""When a source is late: never while it keeps its rhythm, always soon after it has stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from companion.domain.availability import WorkingHours
from companion.domain.expectations import Expected, ScheduledSource, overdue, rhythm
from companion.domain.opening_hours import (
    Closure,
    Opening,
    OpeningHours,
    in_words,
    opening_hours,
)

ZONES = ["Australia/Sydney", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"]
MONDAYS = st.integers(0, 90).map(lambda week: date(2026, 1, 5) + timedelta(weeks=week))
"""Over all changes of the clocks in two years."""


@st.composite
def calendars(draw: st.DrawFn) -> OpeningHours:
    opens = draw(st.integers(0, 12))
    opening = Opening(
        days=draw(st.frozensets(st.integers(0, 6), min_size=2)),
        opens=time(opens),
        closes=time(opens + draw(st.integers(1, 11)), 30),
    )
    return opening_hours(opening, draw(st.sampled_from(ZONES)), [])


@st.composite
def holidays(draw: st.DrawFn, first: date, weeks: int) -> tuple[Closure, ...]:
    starts = draw(st.sets(st.integers(0, weeks - 1), max_size=3))
    days = [first + timedelta(weeks=week, days=draw(st.integers(0, 4))) for week in sorted(starts)]
    return tuple(
        Closure(first=day, last=day + timedelta(days=draw(st.integers(0, 2)))) for day in days
    )


@st.composite
def kept(draw: st.DrawFn) -> tuple[OpeningHours, list[datetime], list[datetime]]:
    """Opening hours with closed days; what came in the first weeks, and what came later, each in
    one weekly pattern, with or without the closed days."""
    first, weeks = draw(MONDAYS), 9
    plain = draw(calendars())
    closed = draw(holidays(first, weeks))
    hours = OpeningHours(timezone=plain.timezone, week=plain.week, closures=closed)
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    at = draw(st.lists(st.integers(0, 47), min_size=1, max_size=4, unique=True).map(sorted))
    rests = draw(st.booleans())
    zone = ZoneInfo(hours.timezone)
    arrivals = [
        datetime.combine(day, time(half // 2, half % 2 * 30), zone).astimezone(UTC)
        for day in (first + timedelta(days=number) for number in range(weeks * 7))
        if day.weekday() in weekdays and not (rests and hours.closed_days(day, day))
        for half in at
    ]
    begin = datetime.combine(first + timedelta(weeks=5), time(0), zone)
    early = [each for each in arrivals if each < begin]
    assume(early)
    return hours, early, [each for each in arrivals if each >= begin]


@settings(max_examples=40)
@given(kept(), st.floats(0.5, 3))
def test_nothing_is_late_while_every_source_keeps_its_rhythm(
    found: tuple[OpeningHours, list[datetime], list[datetime]], late: float
) -> None:
    hours, known, coming = found
    for moment in coming:
        source = ScheduledSource(name="x", arrivals=known)
        assert not overdue([source], hours, late=late, now=moment)
        known = [*known, moment]


@given(kept(), st.sampled_from(Expected), st.floats(0.1, 1))
def test_what_stops_is_late_one_opening_day_after_its_longest_pause(
    found: tuple[OpeningHours, list[datetime], list[datetime]], expected: Expected, late: float
) -> None:
    hours, known, _ = found
    source = ScheduledSource(name="x", arrivals=known, expected=expected)
    longest = rhythm(source, hours)
    never_late = longest is None
    assert never_late == (
        expected is Expected.NEVER or (expected is Expected.AUTOMATIC and len(known) < 3)
    )
    # A closed day may have kept it away; then it counts as if it had come that day.
    rest = OpeningHours(timezone=hours.timezone, week=hours.week)
    begin = known[-1]
    while True:
        next_one = rest.after(begin, longest or 0)
        assert next_one is not None
        opening = rest.after(next_one, 1e-6)  # nothing counts until then
        assert opening is not None
        away = hours.closed_days(
            hours.local_date(begin) + timedelta(days=1), hours.local_date(opening)
        )
        if not away:
            break
        begin = datetime.combine(away[0], time(23, 59), ZoneInfo(hours.timezone))
    # Exact without closed days; each may move what is expected by another opening day.
    limit = hours.after(next_one, 1 + len(hours.closures))
    assert limit is not None
    shown = overdue([source], hours, late=late, now=limit + timedelta(seconds=1))
    assert bool(shown) != never_late


@given(calendars(), st.sampled_from([5, 6, 7]), st.integers(0, 600))
def test_a_daily_source_that_stops_is_shown_within_one_opening_day(
    hours: OpeningHours, days: int, stop: int
) -> None:
    """Without closed days, to the minute."""
    zone = ZoneInfo(hours.timezone)
    first = date(2026, 1, 5) + timedelta(days=stop)
    known = [
        datetime.combine(first + timedelta(days=number), time(12), zone).astimezone(UTC)
        for number in range(21)
    ]
    source = ScheduledSource(name="x", arrivals=known)
    missed = hours.after(known[-1], rhythm(source, hours) or 0)
    assert missed is not None
    limit = hours.after(missed, 1)
    assert limit is not None
    assert not overdue([source], hours, late=1, now=missed)
    assert overdue([source], hours, late=1, now=limit + timedelta(seconds=1))


@given(calendars(), st.integers(0, 1_000_000), st.floats(0, 30))
def test_time_counted_on_is_the_time_counted_between(
    hours: OpeningHours, minutes: int, days: float
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    end = hours.after(begin, days)
    assert end is not None
    assert end >= begin
    assert hours.between(begin, end) == pytest.approx(days, abs=1e-6)


@given(MONDAYS, st.sampled_from(ZONES))
def test_every_week_has_its_opening_days_also_when_the_clocks_change(
    first: date, zone: str
) -> None:
    hours = opening_hours(Opening(opens=time(1), closes=time(5)), zone, [])
    begin, end = (
        datetime.combine(day, time(0), ZoneInfo(zone)) for day in (first, first + timedelta(days=7))
    )
    assert hours.between(begin, end) == pytest.approx(5)


def weekly(*weeks_days: tuple[int, int]) -> Iterator[datetime]:
    for week, weekday in weeks_days:
        yield datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(weeks=week, days=weekday)


USUAL = opening_hours(Opening(), "UTC", [])


@pytest.mark.parametrize(
    ("arrivals", "days"),
    [
        ([], None),
        ([(0, 0)], None),
        ([(0, 0), (0, 1), (0, 2)], None),  # tried out for three days
        ([(0, 0), (1, 0)], None),
        ([(0, 0), (1, 0), (2, 0)], 5),
        ([(0, 0), (0, 3), (1, 0)], 3),
        ([(week, day) for week in range(3) for day in range(5)], 1),
        ([(week, day) for week in range(3) for day in range(7)], 1),
        # It failed once, for three days.
        ([(0, 0), (0, 1), (0, 4), *((1, day) for day in range(5)), (2, 0)], 1),
        ([(week, 5) for week in range(4)], 5),  # at weekends
    ],
)
def test_the_rhythm_is_the_longest_usual_pause(
    arrivals: list[tuple[int, int]], days: float | None
) -> None:
    assert rhythm(ScheduledSource(name="x", arrivals=[*weekly(*arrivals)]), USUAL) == days


def test_the_opening_hours_are_those_in_which_anybody_works() -> None:
    anna = [WorkingHours(weekday=1, start=time(7), end=time(12))]
    boris = [
        WorkingHours(weekday=1, start=time(10), end=time(19)),
        WorkingHours(weekday=5, start=time(9), end=time(12)),
    ]
    both = opening_hours(Opening(), "UTC", [anna, boris])
    assert both.week[1] == (time(7), time(19))
    assert (both.week[0], both.week[5]) == (None, (time(9), time(12)))
    # Whoever has not said works as usual.
    assert opening_hours(Opening(), "UTC", [anna, []]).week[0] == (time(8), time(18))
    assert in_words(USUAL) == "Monday to Friday, 08:00 to 18:00"
    chosen = opening_hours(Opening(days=frozenset({0, 3})), "UTC", [anna, boris])
    assert chosen.days_a_week == 2
    assert in_words(chosen) == "Monday, Thursday, 07:00 to 19:00"
