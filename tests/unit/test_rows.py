"""The hash of a row, and the document of a series."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.domain.errors import BadInput
from companion.services.rows import (
    earliest_start,
    recurrence_document,
    recurrence_of,
    row_hash,
)
from tests.fakes.appointments import appointment

START = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - wall time
PLAIN = appointment(START, timedelta(hours=1), id="a", practitioner_id="mira")
OTHERWISE: dict[str, Any] = {
    "id": "b",
    "practitioner_id": "omar",
    "kind": AppointmentKind.CASUAL,
    "start": START - timedelta(microseconds=1),
    "end": START + timedelta(hours=2),
    "timezone": "Australia/Perth",
    "all_day": True,
    "status": AppointmentStatus.CANCELLED,
    "show_as": ShowAs.FREE,
    "title": "x",
    "appointment_type": "x",
    "client_id": "x",
    "client_first_name": "x",
    "client_last_name": "x",
    "location": "x",
    "visit_address": "x",
    "telehealth_link": "x",
    "notes": "x",
    "reminder_minutes": 0,
    "recurring": True,
    "recurrence": Recurrence(rule="FREQ=DAILY"),
    "source": "x",
    "source_id": "x",
    "created": datetime(2026, 1, 1, tzinfo=UTC),
    "created_by": "x",
    "updated": datetime(2026, 1, 1, tzinfo=UTC),
}
CHANGES: dict[str, Any] = {
    "original_start": START + timedelta(days=1),
    "cancelled": True,
    "start": START,
    "end": START,
    "title": "",
    "location": "",
    "notes": "",
    "show_as": ShowAs.BUSY,
}
SERIES = Recurrence(rule="FREQ=DAILY", changes=(OccurrenceChange(original_start=START),))


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Appointment)])
def test_every_field_counts_except_what_the_book_adds(name: str) -> None:
    if name == "revision":
        assert row_hash(replace(PLAIN, revision=9)) == row_hash(PLAIN)
    elif name == "changed_at":
        assert row_hash(replace(PLAIN, changed_at=datetime.now(UTC))) == row_hash(PLAIN)
    else:
        assert row_hash(replace(PLAIN, **{name: OTHERWISE[name]})) != row_hash(PLAIN)


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(OccurrenceChange)])
def test_every_change_of_an_occurrence_counts_and_comes_back(name: str) -> None:
    change = replace(SERIES.changes[0], **{name: CHANGES[name]})
    changed = replace(SERIES, changes=(change,))
    assert row_hash(replace(PLAIN, recurrence=changed)) != row_hash(
        replace(PLAIN, recurrence=SERIES)
    )
    assert recurrence_of(recurrence_document(changed)) == changed


def test_a_hash_has_sixteen_bytes_and_is_the_same_in_every_run() -> None:
    assert row_hash(PLAIN).hex() == "59291c157caabf69b0b29a1a478102bd"


def test_text_that_moves_to_the_next_field_is_another_row() -> None:
    left = replace(PLAIN, client_first_name='a","b', client_last_name="")
    right = replace(PLAIN, client_first_name="a", client_last_name="b")
    assert row_hash(left) != row_hash(right)


def test_one_instant_in_two_zones_is_one_row() -> None:
    utc = replace(PLAIN, created=datetime(2026, 1, 1, tzinfo=UTC))
    sydney = replace(PLAIN, created=datetime.fromisoformat("2026-01-01T11:00:00+11:00"))
    assert row_hash(utc) == row_hash(sydney)


def test_half_a_character_is_refused_without_being_repeated() -> None:
    with pytest.raises(BadInput) as refused:
        row_hash(replace(PLAIN, client_last_name="Secret\udfff"))
    assert "Secret" not in f"{refused.value!r} {refused.value.detail}"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_no_series_is_no_document() -> None:
    assert recurrence_document(None) is None
    assert recurrence_of(None) is None


def test_the_earliest_start_of_a_series_is_where_an_occurrence_was_moved_to() -> None:
    early = OccurrenceChange(original_start=START, start=START - timedelta(days=2))
    late = OccurrenceChange(original_start=START, start=START + timedelta(days=2))
    series = replace(PLAIN, recurrence=Recurrence(rule="FREQ=DAILY", changes=(early, late)))
    assert earliest_start(series) == START - timedelta(days=2)
    assert earliest_start(replace(PLAIN, recurrence=SERIES)) == START
    assert earliest_start(PLAIN) == START
