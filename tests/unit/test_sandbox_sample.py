"""The sample practice: complete, deterministic, legal, and the same as a book and as a file."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    check_times,
    occurrences,
)
from companion.sandbox.google import SimulatedGoogle
from companion.sandbox.sample import add_accounts, sample_export_csv, sample_practice
from companion.sandbox.sample_export import COLUMNS

MONDAY, SUNDAY = date(2026, 11, 23), date(2026, 4, 5)
"""An ordinary day, and the Sunday on which Sydney's clocks go back."""


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["Appointment ID"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


def test_the_same_day_gives_the_same_practice_and_export() -> None:
    assert sample_practice(MONDAY) == sample_practice(MONDAY)
    assert sample_export_csv(MONDAY) == sample_export_csv(MONDAY)


@pytest.mark.parametrize("today", [MONDAY, SUNDAY])
def test_six_practitioners_have_every_kind_of_appointment_over_eight_weeks(today: date) -> None:
    practice = sample_practice(today)
    assert len(practice.practitioners) == len({each.email for each in practice.practitioners}) == 6
    assert {each.kind for each in practice.imported} == set(AppointmentKind)
    assert any(each.all_day for each in practice.imported)
    assert any(each.cancelled for each in practice.imported)
    assert any(not (each.client_name or "A").isascii() for each in practice.imported)
    days = [each.start.date() for each in practice.imported]
    assert max(days) - min(days) >= timedelta(weeks=7)
    assert today in days


@pytest.mark.parametrize("today", [MONDAY, SUNDAY])
def test_every_appointment_is_one_the_book_would_take(today: date) -> None:
    practice = sample_practice(today)
    for each in practice.appointments:
        check_times(each.start, each.end, all_day=each.all_day)
    ids = [each.id for each in practice.appointments]
    assert len(set(ids)) == len(ids)


def test_lunch_and_staff_meeting_recur_with_a_moved_and_a_cancelled_occurrence() -> None:
    practice = sample_practice(MONDAY)
    first = datetime(2026, 11, 9)  # noqa: DTZ001 - wall time
    series = [each for each in practice.own if each.recurrence is not None]
    assert len(series) == 12
    for each in series:
        found = list(occurrences(each, first, first + timedelta(weeks=8)))
        moved = [one for one in found if one.start != one.original_start]
        assert len(moved) == 1, each.id
        due = 40 if each.title == "Lunch" else 8
        assert len(found) == due - 1, each.id


def test_some_appointments_of_one_practitioner_overlap() -> None:
    def overlap(one: Appointment, other: Appointment) -> bool:
        return one.practitioner_id == other.practitioner_id and other.start < one.end

    ordered = sorted(
        sample_practice(MONDAY).imported, key=lambda each: (each.practitioner_id, each.start)
    )
    assert any(overlap(one, other) for one, other in pairwise(ordered))


def test_the_export_holds_the_imported_part_row_by_row() -> None:
    practice = sample_practice(MONDAY)
    written = rows(sample_export_csv(MONDAY))
    assert tuple(next(iter(written.values()))) == COLUMNS
    assert set(written) == {each.source_id for each in practice.imported}
    leave = next(each for each in practice.imported if each.all_day)
    row = written[leave.source_id]
    assert row["All Day"] == "Yes"
    last = leave.end - timedelta(days=1)
    assert row["End"] == f"{last.day}/{last.month}/{last.year}"
    assert {row["Practitioner"] for row in written.values()} == {
        each.name for each in practice.practitioners
    }


@pytest.mark.parametrize("today", [MONDAY, SUNDAY])
def test_the_later_export_differs_by_a_handful_of_everyday_changes(today: date) -> None:
    before = rows(sample_export_csv(today))
    after = rows(sample_export_csv(today, changed=True))
    both = before.keys() & after.keys()
    changed = [key for key in both if before[key] != after[key]]
    assert len(before.keys() - after.keys()) == 1
    assert len(after.keys() - before.keys()) == 2
    assert len(changed) == 6
    columns = {name for key in changed for name in COLUMNS if before[key][name] != after[key][name]}
    assert columns == {"Start", "End", "Cancelled", "Notes", "Updated"}


def test_each_practitioner_gets_a_google_account_with_an_event_that_is_not_ours() -> None:
    google = SimulatedGoogle(now=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    practice = sample_practice(MONDAY)
    add_accounts(google, practice)
    for each in practice.practitioners:
        assert len(google.events(each.email)) == 1
    assert google.counts.calls == 0
