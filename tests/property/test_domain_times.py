# ruff: noqa: DTZ001 - the book's times are wall time
"""Wall time, windows and series, held against the clock of each zone read the other way round.

The oracle walks UTC in steps of 15 minutes and asks each zone what its clocks show: a wall time
that is shown twice, or never, is then known without the rule under test.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from companion.domain.appointments import (
    Appointment,
    OccurrenceChange,
    Recurrence,
    instant,
    interval,
    occurrences,
)
from companion.domain.window import SyncWindow
from tests.fakes.appointments import HALF_HOUR, meeting

ZONES = [
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Auckland",
    "Europe/London",
    "America/New_York",
    "America/Santiago",  # changes at midnight
    "Africa/Casablanca",  # winter time within Ramadan
]
SLOT = timedelta(minutes=15)


def clock_of(zone: str, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    """(wall, UTC) at every quarter hour, in the order in which the clocks show them."""
    place = ZoneInfo(zone)
    moment = first.replace(tzinfo=UTC) - timedelta(days=1)
    while moment < last.replace(tzinfo=UTC) + timedelta(days=1):
        yield moment.astimezone(place).replace(tzinfo=None, fold=0), moment
        moment += SLOT


def expected_instants(zone: str, first: datetime, last: datetime) -> dict[datetime, datetime]:
    """Every wall-clock slot of [first, last) and the instant that the stated rule gives it."""
    shown: dict[datetime, datetime] = {}
    jumps: list[tuple[datetime, datetime, timedelta]] = []
    before: datetime | None = None
    for wall, moment in clock_of(zone, first, last):
        shown.setdefault(wall, moment)  # the first of two
        if before is not None and wall - before > SLOT:
            jumps.append((before + SLOT, wall, wall - before - SLOT))
        before = wall
    for gap_from, gap_to, length in jumps:
        skipped = gap_from
        while skipped < gap_to:
            shown[skipped] = shown[skipped + length]  # moved on by the length of the gap
            skipped += SLOT
    return {wall: moment for wall, moment in shown.items() if first <= wall < last}


def check_every_slot(zone: str, first: datetime, last: datetime) -> None:
    expected = expected_instants(zone, first, last)
    assert len(expected) == (last - first) // SLOT, "the oracle knows every slot"
    assert {wall: instant(wall, zone) for wall in expected} == expected
    for length in (SLOT, 2 * SLOT, timedelta(hours=1), timedelta(hours=24)):
        for wall in expected:
            begins, ends = interval(wall, wall + length, zone)
            assert begins == expected[wall]
            assert ends > begins
            end = expected.get(wall + length)
            if end is not None:
                assert ends == (end if end > begins else begins + length)


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_hour_of_2026_becomes_the_instant_of_the_stated_rule(zone: str) -> None:
    check_every_slot(zone, datetime(2026, 1, 1), datetime(2027, 1, 1))


@pytest.mark.long
@pytest.mark.parametrize("year", range(2024, 2029))
@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_hour_of_five_years_becomes_the_instant_of_the_stated_rule(
    zone: str, year: int
) -> None:
    check_every_slot(zone, datetime(year, 1, 1), datetime(year + 1, 1, 1))


def test_each_zone_changes_its_clocks_twice_a_year_so_that_the_year_tests_something() -> None:
    for zone in ZONES:
        clock = clock_of(zone, datetime(2026, 1, 1), datetime(2027, 1, 1))
        steps = {later[0] - earlier[0] for earlier, later in pairwise(clock)}
        assert len(steps) == 3, zone  # onward, over a gap, and back


zones = st.sampled_from(ZONES)
walls = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)
lengths = st.integers(1, 60 * 24 * 40).map(lambda minutes: timedelta(minutes=minutes))


@given(zone=zones, start=walls, length=lengths)
@example("Australia/Sydney", datetime(2026, 10, 4, 2, 30), timedelta(minutes=30))
@example("Australia/Lord_Howe", datetime(2026, 10, 4, 2, 20), timedelta(minutes=10))
def test_an_end_is_always_after_its_start(zone: str, start: datetime, length: timedelta) -> None:
    begins, ends = interval(start, start + length, zone)
    assert begins < ends
    assert begins.tzinfo is UTC
    assert abs((ends - begins) - length) <= timedelta(hours=1)


# ── windows ───────────────────────────────────────────────────────────────────────────────────

moments = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))
days = st.integers(0, 730)


@given(zone=zones, now=moments, arrears=days, advance=days)
def test_a_window_is_whole_local_days_around_today(
    zone: str, now: datetime, arrears: int, advance: int
) -> None:
    window = SyncWindow.around(now, zone, days_in_arrears=arrears, days_in_advance=advance)
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    assert (window.last_day - window.first_day).days == arrears + advance
    second = timedelta(seconds=1)
    for inside, day in (
        (window.start, today - timedelta(days=arrears)),
        (window.end - second, today + timedelta(days=advance)),
    ):
        assert inside.astimezone(place).date() == day
    assert (window.start - second).astimezone(place).date() == today - timedelta(days=arrears + 1)
    assert window.end.astimezone(place).date() == today + timedelta(days=advance + 1)


@given(zone=zones, now=moments, advance=st.integers(0, 60))
def test_neighbouring_windows_neither_overlap_nor_leave_a_gap(
    zone: str, now: datetime, advance: int
) -> None:
    window = SyncWindow.around(now, zone, days_in_arrears=0, days_in_advance=advance)
    following = SyncWindow(
        first_day=window.last_day + timedelta(days=1),
        last_day=window.last_day + timedelta(days=1),
        timezone=zone,
    )
    assert window.end == following.start
    assert window.wall_end == following.wall_start


@given(zone=zones, day=st.dates(date(2024, 1, 1), date(2028, 12, 31)), length=lengths)
def test_the_edges_of_a_window_are_half_open(zone: str, day: date, length: timedelta) -> None:
    window = SyncWindow(first_day=day, last_day=day, timezone=zone)
    assert window.covers(window.start, window.start + length)
    assert not window.covers(window.start - length, window.start)
    assert window.covers(window.end - length, window.end)
    assert not window.covers(window.end, window.end + length)
    assert window.covers(window.start - length, window.end + length)


# ── series ────────────────────────────────────────────────────────────────────────────────────

FIRST = datetime(2026, 3, 2, 9, 30)
nearby = st.integers(-40 * 48, 90 * 48).map(lambda number: FIRST + number * HALF_HOUR)


@st.composite
def series(draw: st.DrawFn) -> tuple[Appointment, list[datetime]]:
    """A daily or weekly meeting and its original starts, counted out without a library."""
    days_apart = draw(st.sampled_from([1, 2, 7, 14]))
    count = draw(st.integers(1, 30))
    starts = [FIRST + timedelta(days=days_apart * number) for number in range(count)]
    stray = FIRST + timedelta(days=1, hours=1)  # the rule makes no such occurrence
    chosen = draw(st.lists(st.sampled_from([*starts, stray]), unique=True, max_size=6))
    changes = tuple(draw(changed(original)) for original in chosen)
    rule = (
        f"FREQ=DAILY;INTERVAL={days_apart};COUNT={count}"
        if days_apart < 7
        else f"FREQ=WEEKLY;INTERVAL={days_apart // 7};COUNT={count}"
    )
    return meeting(FIRST, title="Team", recurrence=Recurrence(rule=rule, changes=changes)), starts


@st.composite
def changed(draw: st.DrawFn, original: datetime) -> OccurrenceChange:
    start = draw(st.none() | nearby)
    length = draw(st.none() | lengths)
    return OccurrenceChange(
        original_start=original,
        cancelled=draw(st.booleans()),
        start=start,
        end=None if length is None else (start or original) + length,
        title=draw(st.none() | st.sampled_from(["Elsewhere", ""])),
    )


@given(made=series(), after=nearby, length=lengths)
@example(
    (
        meeting(
            FIRST,
            title="Team",
            recurrence=Recurrence(
                rule="FREQ=DAILY;COUNT=1",
                changes=(OccurrenceChange(original_start=FIRST, start=datetime(2027, 1, 1, 8)),),
            ),
        ),
        [FIRST],
    ),
    datetime(2027, 1, 1),
    timedelta(days=1),
)
def test_a_series_yields_each_occurrence_once_where_its_change_put_it(
    made: tuple[Appointment, list[datetime]], after: datetime, length: timedelta
) -> None:
    team, starts = made
    assert team.recurrence is not None
    changes = {change.original_start: change for change in team.recurrence.changes}
    before = after + length
    expected = set()
    for original in starts:
        change = changes.get(original, OccurrenceChange(original_start=original))
        start = change.start or original
        end = change.end or start + HALF_HOUR
        if not change.cancelled and start < before and end > after:
            title = "Team" if change.title is None else change.title
            expected.add((original, start, end, title))
    found = list(occurrences(team, after, before))
    assert {(each.original_start, each.start, each.end, each.title) for each in found} == expected
    assert len(found) == len(expected)
    assert len({each.key for each in found}) == len(found)


@given(made=series(), first=nearby, second=nearby)
def test_an_occurrences_key_does_not_depend_on_the_span_it_was_asked_for(
    made: tuple[Appointment, list[datetime]], first: datetime, second: datetime
) -> None:
    team, starts = made
    everything = occurrences(team, datetime(2020, 1, 1), datetime(2031, 1, 1))
    keys = {each.original_start: each.key for each in everything}
    after, before = min(first, second), max(first, second)
    for each in occurrences(team, after, before):
        assert keys[each.original_start] == each.key
        assert bisect_left(starts, each.original_start) < len(starts)


@given(zone=zones, day=st.dates(date(2024, 1, 1), date(2028, 12, 1)), hour=st.integers(0, 23))
def test_a_daily_meeting_keeps_its_wall_time_across_a_change_of_the_clocks(
    zone: str, day: date, hour: int
) -> None:
    start = datetime.combine(day, time(hour, 30))
    daily = meeting(start, timezone=zone, recurrence=Recurrence(rule="FREQ=DAILY"))
    found = list(occurrences(daily, start, start + timedelta(days=14)))
    assert [each.start for each in found] == [start + timedelta(days=n) for n in range(14)]
    for each in found:
        begins, ends = interval(each.start, each.end, zone)
        assert ends > begins
        local = begins.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert local - each.start in {timedelta(0), HALF_HOUR, 2 * HALF_HOUR}
