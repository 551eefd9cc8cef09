"""What every AppointmentBook does, the one in memory and the one on disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.domain.errors import BadInput, ChangedMeanwhile
from companion.services.ports import (
    AppointmentBook,
    BookChange,
)
from tests.contract.book_samples import DAY, HOUR, NOW, appointment, on, put

LATER = NOW + timedelta(hours=1)


async def test_every_field_comes_back_as_it_was_put(book: AppointmentBook) -> None:
    full = Appointment(
        id="a-1",
        practitioner_id="mira",
        kind=AppointmentKind.MEETING,
        start=datetime(2026, 3, 3, 9, 30, 15, 250),  # noqa: DTZ001 - wall time
        end=datetime(2026, 3, 3, 11),  # noqa: DTZ001 - wall time
        timezone="Pacific/Chatham",
        all_day=False,
        status=AppointmentStatus.CANCELLED,
        show_as=ShowAs.OUT_OF_OFFICE,
        title="Team – 会議",
        appointment_type="Staff meeting",
        client_id="C-7",
        client_first_name="Zoë",
        client_last_name="O’Brien-王",
        location="Room 1; upstairs, left",
        notes="a\nb\t'c' \"d\" \\ 😀 =1+1 <b>",
        reminder_minutes=0,
        recurring=True,
        recurrence=Recurrence(
            rule="FREQ=WEEKLY;COUNT=4",
            changes=(
                OccurrenceChange(original_start=DAY, cancelled=True),
                OccurrenceChange(
                    original_start=DAY + 7 * 24 * HOUR,
                    start=DAY + 8 * 24 * HOUR,
                    end=DAY + 8 * 24 * HOUR + HOUR,
                    title="",
                    location="elsewhere",
                    notes="",
                    show_as=ShowAs.FREE,
                ),
            ),
        ),
        source="book",
        source_id="",
        created=datetime(2025, 1, 1, 1, 2, 3, tzinfo=UTC),
        created_by="Ben",
        updated=datetime(2025, 1, 2, tzinfo=UTC),
    )
    await put(book, full)
    kept = await book.appointment("a-1")
    assert kept == replace(full, revision=1, changed_at=NOW)


async def test_wall_times_come_back_naive_and_instants_aware_in_utc(book: AppointmentBook) -> None:
    sydney = datetime.fromisoformat("2025-01-01T12:00:00+11:00")
    await put(book, appointment(created=sydney))
    (kept,) = await on(book, DAY)
    assert (kept.start.tzinfo, kept.end.tzinfo) == (None, None)
    assert kept.created is not None
    assert kept.created.isoformat() == "2025-01-01T01:00:00+00:00"
    assert kept.changed_at.utcoffset() == timedelta(0)


async def test_an_unknown_appointment_is_none(book: AppointmentBook) -> None:
    assert await book.appointment("nothing") is None


async def test_half_a_character_is_refused_and_nothing_is_written(book: AppointmentBook) -> None:
    with pytest.raises(BadInput):
        await put(book, appointment(1), appointment(2, notes="\ud800"))
    assert await book.count() == 0
    assert await book.revisions() == {}


# ── revisions ─────────────────────────────────────────────────────────────────────────────────


async def test_each_change_raises_the_revision_by_one(book: AppointmentBook) -> None:
    await put(book, appointment())
    await put(book, appointment(notes="new", revision=40), now=LATER)
    (kept,) = await on(book, DAY)
    assert (kept.revision, kept.changed_at, kept.notes) == (2, LATER, "new")


async def test_changed_at_rises_by_a_second_at_least_whatever_the_clock_does(
    book: AppointmentBook,
) -> None:
    await put(book, appointment(), now=LATER)
    await put(book, appointment(notes="new"), now=NOW)
    (kept,) = await on(book, DAY)
    assert kept.changed_at == LATER + timedelta(seconds=1)


async def test_an_appointment_that_was_removed_and_returns_goes_on_counting(
    book: AppointmentBook,
) -> None:
    one = appointment()
    await put(book, one)
    await put(book, one)
    await book.apply(BookChange(remove=[one.id]), LATER)
    await put(book, one, now=NOW)
    await put(book, one, now=NOW)
    (kept,) = await on(book, DAY)
    assert (kept.revision, kept.changed_at) == (4, NOW + timedelta(seconds=3))


async def test_a_removed_appointment_is_nowhere_to_be_found(book: AppointmentBook) -> None:
    one = appointment()
    await put(book, one, appointment(2))
    await book.apply(BookChange(remove=[one.id]), LATER)
    assert await book.appointment(one.id) is None
    assert [each.source_id for each in await on(book, DAY)] == ["2"]
    assert set(await book.source_rows("pms")) == {"2"}
    assert await book.count("mira") == 1


async def test_what_is_removed_and_put_at_once_is_put(book: AppointmentBook) -> None:
    one = appointment()
    await put(book, one)
    await book.apply(BookChange(put=[replace(one, notes="new")], remove=[one.id]), LATER)
    (kept,) = await on(book, DAY)
    assert (kept.notes, kept.revision) == ("new", 2)


async def test_of_two_with_one_id_the_last_is_put(book: AppointmentBook) -> None:
    await put(book, appointment(notes="first"), appointment(notes="last"))
    (kept,) = await on(book, DAY)
    assert (kept.notes, kept.revision) == ("last", 1)


async def test_a_change_raises_the_revision_of_each_practitioner_it_touches_once(
    book: AppointmentBook,
) -> None:
    await put(book, appointment(1), appointment(2), appointment(3, practitioner_id="omar"))
    assert await book.revisions() == {"mira": 1, "omar": 1}
    await put(book, appointment(3, practitioner_id="omar", notes="new"))
    assert await book.revisions() == {"mira": 1, "omar": 2}


async def test_a_practitioner_whom_an_appointment_leaves_is_touched_too(
    book: AppointmentBook,
) -> None:
    await put(book, appointment())
    await put(book, appointment(practitioner_id="omar"))
    assert await book.revisions() == {"mira": 2, "omar": 1}
    assert await on(book, DAY) == []


async def test_a_removal_touches_its_practitioner(book: AppointmentBook) -> None:
    await put(book, appointment())
    await book.apply(BookChange(remove=[appointment().id]), LATER)
    assert await book.revisions() == {"mira": 2}


async def test_an_empty_change_touches_no_practitioner(book: AppointmentBook) -> None:
    await book.apply(BookChange(), NOW)
    await book.apply(BookChange(remove=["nothing"]), NOW)
    assert await book.revisions() == {}


async def test_two_appointments_of_a_source_cannot_bear_one_number(book: AppointmentBook) -> None:
    await put(book, appointment(1))
    with pytest.raises(BadInput):
        await put(book, appointment(3), appointment(2, source_id="1"))
    assert await book.count() == 1
    assert await book.revisions() == {"mira": 1}


async def test_a_number_is_free_for_another_source_and_after_a_removal(
    book: AppointmentBook,
) -> None:
    await put(book, appointment(1), appointment(2, source="other", source_id="1"))
    await book.apply(
        BookChange(put=[appointment(3, source_id="1")], remove=[appointment(1).id]), NOW
    )
    assert await book.count() == 2


async def test_appointments_of_our_own_book_need_no_number(book: AppointmentBook) -> None:
    await put(book, *(appointment(n, source="book", source_id="") for n in range(3)))
    assert await book.count() == 3
    assert await book.source_rows("book") == {}


async def test_a_large_change_is_one_change(book: AppointmentBook) -> None:
    many = [appointment(n) for n in range(4_500)]
    await put(book, *many)
    await put(book, *many, now=LATER)
    assert await book.count() == 4_500
    assert await book.revisions() == {"mira": 2}
    assert {each.revision for each in await on(book, DAY)} == {2}
    await book.apply(BookChange(remove=[each.id for each in many[1:]]), LATER)
    assert await book.count() == 1
    await put(book, *many, now=LATER)
    assert {each.revision for each in await on(book, DAY)} == {3}


# ── expected revisions ────────────────────────────────────────────────────────────────────────


async def test_a_change_that_expects_the_present_revision_is_written(book: AppointmentBook) -> None:
    one = appointment()
    await book.apply(BookChange(put=[one], expect={one.id: 0}), NOW)
    await book.apply(BookChange(put=[replace(one, notes="b")], expect={one.id: 1}), NOW)
    await book.apply(BookChange(remove=[one.id], expect={one.id: 2}), NOW)
    assert await book.count() == 0


async def test_a_change_that_expects_another_revision_writes_nothing_at_all(
    book: AppointmentBook,
) -> None:
    one, two = appointment(1), appointment(2)
    await put(book, one)
    for expected in (0, 2):
        with pytest.raises(ChangedMeanwhile):
            await book.apply(BookChange(put=[two, one], expect={one.id: expected}), LATER)
    with pytest.raises(ChangedMeanwhile):
        await book.apply(BookChange(remove=[two.id], expect={two.id: 1}), LATER)
    assert await book.count() == 1
    assert await book.revisions() == {"mira": 1}


async def test_the_character_nul_is_refused_in_a_sentence(book: AppointmentBook) -> None:
    change = OccurrenceChange(original_start=DAY, notes="\0")
    series = Recurrence(rule="FREQ=WEEKLY", changes=(change,))
    for refused in ({"notes": "a\0b"}, {"client_last_name": "\0"}, {"recurrence": series}):
        with pytest.raises(BadInput, match="NUL"):
            await put(book, appointment(**refused))
    assert await book.count() == 0
    await put(book, appointment(notes="\\u0000"))
    assert (await on(book, DAY))[0].notes == "\\u0000"
