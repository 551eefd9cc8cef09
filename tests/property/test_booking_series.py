"""Series: whatever is edited, each date takes place once, and names last."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, islice

from hypothesis import given, reject
from hypothesis import strategies as st

from companion.domain.appointments import (
    Appointment,
    Occurrence,
    OccurrenceChange,
    Recurrence,
    occurrences,
    parse_rule,
    starts_from,
)
from companion.domain.errors import BadInput
from companion.domain.repetition import Frequency, Repetition
from companion.services.book.series import Scope, cancel_occurrence, edit_occurrence
from tests.fakes.appointments import meeting

MONDAY = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - wall time
FAR = MONDAY + timedelta(days=800)

days = st.frozensets(st.integers(0, 6), max_size=7)
repetitions = st.builds(
    Repetition,
    frequency=st.sampled_from(Frequency),
    interval=st.integers(1, 4),
    weekdays=days,
    count=st.none() | st.integers(1, 60),
    until=st.none() | st.integers(60, 700).map(lambda n: (MONDAY + timedelta(days=n)).date()),
).map(lambda each: replace(each, until=None if each.count else each.until))
begins = st.integers(0, 60).map(lambda n: MONDAY + timedelta(days=n))


def series_of(repetition: Repetition, start: datetime) -> Appointment:
    rule = repetition.rule(start)
    try:
        first = next(iter(parse_rule(rule, start)))
    except BadInput:  # on day 31 of a month, until before the next such month
        reject()
    return meeting(first, id="series", title="Lunch", recurrence=Recurrence(rule=rule))


def all_of(appointment: Appointment | None) -> list[Occurrence]:
    if appointment is None:
        return []
    early = appointment.start - timedelta(days=400)
    return sorted(occurrences(appointment, early, FAR), key=lambda each: each.start)


def ids() -> str:
    return f"new-{next(_numbers)}"


_numbers = count()


@given(repetitions, begins, st.integers(-10, 900), st.integers(0, 24 * 60))
def test_a_series_entered_late_is_the_same_series(
    repetition: Repetition, start: datetime, after: int, minutes: int
) -> None:
    series = series_of(repetition, start)
    moment = start + timedelta(days=after, minutes=minutes)
    assert series.recurrence is not None
    plain = parse_rule(series.recurrence.rule, series.start).xafter(moment, inc=True)
    assert list(islice(starts_from(series, moment), 5)) == list(islice(plain, 5))


@given(repetitions, begins)
def test_what_the_form_writes_it_reads_back(repetition: Repetition, start: datetime) -> None:
    rule = repetition.rule(start)
    read = Repetition.of(rule, start)
    assert read is not None
    assert read.rule(start) == rule


@given(repetitions, begins, st.data())
def test_an_occurrence_that_moves_keeps_its_name_and_no_other_changes(
    repetition: Repetition, start: datetime, data: st.DataObject
) -> None:
    series = series_of(repetition, start)
    before = all_of(series)
    chosen = data.draw(st.sampled_from(before[:40]))
    by = timedelta(minutes=data.draw(st.integers(-5_000, 5_000)))
    edited = replace(series, start=chosen.start + by, end=chosen.end + by)
    after = edit_occurrence(chosen, edited, Scope.THIS, ids)
    assert after.beside is None
    assert {each.key for each in all_of(after.series)} == {each.key for each in before}
    moved = {each.key: each.start for each in all_of(after.series)}
    assert moved.pop(chosen.key) == chosen.start + by
    assert moved == {each.key: each.start for each in before if each.key != chosen.key}


@given(repetitions, begins, st.data())
def test_this_and_following_parts_a_series_without_losing_or_doubling_a_date(
    repetition: Repetition, start: datetime, data: st.DataObject
) -> None:
    series = series_of(repetition, start)
    before = all_of(series)[:60]
    chosen = data.draw(st.sampled_from(before))
    edited = replace(series, start=chosen.start, end=chosen.end, title="Long lunch")
    after = edit_occurrence(chosen, edited, Scope.FOLLOWING, ids)
    old = [each for each in all_of(after.series) if each.title == "Lunch"]
    new = all_of(after.beside) if after.beside else all_of(after.series)
    assert [each.start for each in old] == [e.start for e in before if e.start < chosen.start]
    expected = [each.start for each in before if each.start >= chosen.start]
    assert [each.start for each in new][: len(expected)] == expected
    assert {each.title for each in new} == {"Long lunch"}
    if repetition.count is not None:
        assert len(old) + len(new) == len(all_of(series))


@given(repetitions, begins, st.integers(-480, 480), st.data())
def test_a_new_time_for_all_moves_each_by_the_same_and_changes_follow(
    repetition: Repetition, start: datetime, minutes: int, data: st.DataObject
) -> None:
    series = series_of(repetition, start)
    before = all_of(series)[:40]
    gone = data.draw(st.sampled_from(before))
    series = cancel_occurrence(gone._replace(appointment=series), Scope.THIS)
    rest = all_of(series)
    if not rest:
        return
    chosen = data.draw(st.sampled_from(rest[:40]))
    by = timedelta(minutes=minutes)
    edited = replace(series, start=chosen.start + by, end=chosen.end + by)
    after = edit_occurrence(chosen, edited, Scope.ALL, ids)
    expected = [each.start + by for each in rest][:40]
    assert [each.start for each in all_of(after.series)][: len(expected)] == expected


@given(repetitions, begins, st.data())
def test_cancelling_this_and_following_leaves_what_was_before(
    repetition: Repetition, start: datetime, data: st.DataObject
) -> None:
    series = series_of(repetition, start)
    before = all_of(series)[:60]
    chosen = data.draw(st.sampled_from(before))
    left = all_of(cancel_occurrence(chosen, Scope.FOLLOWING))
    assert [each.start for each in left] == [e.start for e in before if e.start < chosen.start]


def test_a_change_of_the_moved_occurrence_itself_for_all_counts_only_what_is_new() -> None:
    """A lunch moved to 10:00 once; then "all" get another title: the others stay at 9:00."""
    series = series_of(Repetition(frequency=Frequency.DAILY), MONDAY)
    original = MONDAY + timedelta(days=3)
    change = OccurrenceChange(
        original_start=original,
        start=original + timedelta(hours=1),
        end=original + timedelta(hours=1, minutes=30),
    )
    series = replace(series, recurrence=Recurrence(rule="FREQ=DAILY", changes=(change,)))
    moved = next(each for each in all_of(series) if each.original_start == original)
    edited = replace(series, start=moved.start, end=moved.end, title="Lunch outside")
    after = all_of(edit_occurrence(moved, edited, Scope.ALL, ids).series)[:6]
    assert [each.start.hour for each in after] == [9, 9, 9, 10, 9, 9]
    assert {each.title for each in after} == {"Lunch outside"}
