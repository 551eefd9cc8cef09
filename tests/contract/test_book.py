"""What every AppointmentBook does, the one in memory and the one on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
    ShowAs,
    occurrences,
)
from companion.domain.errors import BadInput, ChangedMeanwhile
from companion.services.ports import (
    UNDO_IMPORTS,
    AppointmentBook,
    BookChange,
    ImportMemory,
    ImportRecord,
    Undoing,
)
from companion.services.rows import row_hash
from tests.contract.stores import KINDS, opened

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DAY = datetime(2026, 3, 3)  # noqa: DTZ001 - wall time
HOUR = timedelta(hours=1)


@pytest.fixture(params=KINDS)
async def book(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AppointmentBook]:
    async with opened(request.param, tmp_path) as stores:
        yield stores.book


def appointment(number: int = 1, **changes: Any) -> Appointment:
    start = changes.get("start", DAY + 9 * HOUR)
    plain = Appointment(
        id=f"pms-{number}",
        practitioner_id="mira",
        kind=AppointmentKind.CLIENT,
        start=start,
        end=start + HOUR / 2,
        timezone="Australia/Sydney",
        source="pms",
        source_id=str(number),
    )
    return replace(plain, **changes)


def weekly(**changes: Any) -> Appointment:
    series = {
        "kind": AppointmentKind.MEETING,
        "source": "book",
        "source_id": "",
        "recurrence": Recurrence(rule="FREQ=WEEKLY"),
    }
    return appointment(77, **{**series, **changes})


async def put(book: AppointmentBook, *appointments: Appointment, now: datetime = NOW) -> None:
    await book.apply(BookChange(put=appointments), now)


async def on(book: AppointmentBook, first: datetime, days: float = 1) -> list[Appointment]:
    return await book.appointments("mira", first, first + timedelta(days=days))


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


# ── spans ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_span_is_half_open(book: AppointmentBook) -> None:
    await put(
        book,
        appointment(1, start=DAY - HOUR, end=DAY),
        appointment(2, start=DAY - HOUR, end=DAY + HOUR),
        appointment(3, start=DAY + 23 * HOUR, end=DAY + 25 * HOUR),
        appointment(4, start=DAY + 24 * HOUR, end=DAY + 25 * HOUR),
    )
    assert [each.source_id for each in await on(book, DAY)] == ["2", "3"]


@pytest.mark.parametrize("days", [1, 2, 2.01, 30, 366])
async def test_a_long_appointment_is_found_on_its_last_day(
    book: AppointmentBook, days: float
) -> None:
    start = DAY + 24 * HOUR - timedelta(minutes=1) - timedelta(days=days)
    await put(book, appointment(1, start=start, end=start + timedelta(days=days)))
    assert len(await on(book, DAY)) == 1
    assert await on(book, DAY + 24 * HOUR) == []


async def test_a_series_is_found_long_after_its_start_and_not_before(
    book: AppointmentBook,
) -> None:
    await put(book, weekly())
    assert len(await on(book, DAY + timedelta(days=2_000))) == 1
    assert await on(book, DAY - timedelta(days=1)) == []


async def test_a_series_is_found_where_an_occurrence_was_moved_before_its_start(
    book: AppointmentBook,
) -> None:
    early = OccurrenceChange(original_start=DAY + 9 * HOUR, start=DAY - timedelta(days=3))
    await put(book, weekly(recurrence=Recurrence(rule="FREQ=WEEKLY", changes=(early,))))
    found = await on(book, DAY - timedelta(days=3))
    assert [each.start for each in found] == [DAY + 9 * HOUR]


async def test_a_long_one_made_brief_and_a_series_made_single_are_found_as_what_they_are(
    book: AppointmentBook,
) -> None:
    await put(book, appointment(end=DAY + timedelta(days=30)), weekly())
    await put(book, appointment(), weekly(recurrence=None))
    assert len(await on(book, DAY)) == 2
    assert await on(book, DAY + timedelta(days=14)) == []


async def test_cancelled_ones_are_found_too(book: AppointmentBook) -> None:
    await put(book, appointment(status=AppointmentStatus.CANCELLED))
    (kept,) = await on(book, DAY)
    assert kept.cancelled


async def test_versions_are_of_exactly_what_a_span_holds(book: AppointmentBook) -> None:
    await put(
        book,
        appointment(1),
        appointment(2, end=DAY + timedelta(days=5)),
        appointment(3, practitioner_id="omar"),
        appointment(4, start=DAY - timedelta(days=3), end=DAY - timedelta(days=3) + HOUR),
        weekly(),
    )
    await put(book, appointment(1, notes="new"))
    span = ("mira", DAY, DAY + timedelta(days=1))
    found = {each.id: each.revision for each in await book.appointments(*span)}
    assert await book.versions(*span) == found
    assert sorted(found.values()) == [1, 1, 2]


async def test_they_come_by_start_and_of_one_practitioner_only(book: AppointmentBook) -> None:
    await put(
        book,
        appointment(1, start=DAY + 12 * HOUR, end=DAY + 13 * HOUR),
        appointment(2, start=DAY, end=DAY + timedelta(days=5)),
        weekly(),
        appointment(3, practitioner_id="omar"),
    )
    assert [each.start for each in await on(book, DAY)] == [DAY, DAY + 9 * HOUR, DAY + 12 * HOUR]


minutes = st.integers(-4 * 1440, 4 * 1440)


@given(
    st.lists(st.tuples(minutes, st.integers(1, 5 * 1440), st.booleans(), minutes), max_size=8),
    minutes,
    st.integers(1, 3 * 1440),
)
@hypothesis_settings(max_examples=60)
def test_no_occurrence_of_a_span_is_missed(
    shapes: list[tuple[int, int, bool, int]], offset: int, length: int
) -> None:
    """What the book answers yields the same occurrences as everything there is."""
    everything = []
    for number, (begin, lasts, repeats, moved_to) in enumerate(shapes):
        start = DAY + timedelta(minutes=begin)
        change = OccurrenceChange(original_start=start, start=DAY + timedelta(minutes=moved_to))
        series = Recurrence(rule="FREQ=DAILY;INTERVAL=3;COUNT=3", changes=(change,))
        everything.append(
            appointment(
                number,
                start=start,
                end=start + timedelta(minutes=lasts),
                recurrence=series if repeats else None,
            )
        )
    first = DAY + timedelta(minutes=offset)
    last = first + timedelta(minutes=length)

    async def answers(kind: str, folder: Path) -> list[Appointment]:
        async with opened(kind, folder) as stores:
            await put(stores.book, *everything)
            return await stores.book.appointments("mira", first, last)

    expected = {o.key for each in everything for o in occurrences(each, first, last)}
    with TemporaryDirectory() as folder:
        kinds = [asyncio.run(answers(kind, Path(folder))) for kind in KINDS]
    assert kinds[0] == kinds[1]
    for found in kinds:
        assert {o.key for each in found for o in occurrences(each, first, last)} == expected


# ── several practitioners ─────────────────────────────────────────────────────────────────────

OMAR = {"practitioner_id": "omar"}


async def test_a_span_of_several_practitioners_is_theirs_together_by_start(
    book: AppointmentBook,
) -> None:
    await put(
        book,
        appointment(1),
        appointment(2, start=DAY, end=DAY + timedelta(days=40), **OMAR),
        appointment(3, practitioner_id="priya"),
        weekly(**OMAR),
    )
    whole_day = (DAY, DAY + timedelta(days=1))
    found = await book.of_practitioners(["mira", "omar"], *whole_day)
    assert found[0].source_id == "2"
    assert {each.source_id for each in found[1:]} == {"1", ""}
    assert await book.of_practitioners([], *whole_day) == []
    later = DAY + timedelta(days=39)
    assert len(await book.of_practitioners(["omar"], later, later + HOUR)) == 2


async def test_series_are_listed_from_their_earliest_occurrence_on(book: AppointmentBook) -> None:
    await put(book, weekly(), appointment(1))
    assert [each.source for each in await book.series(["mira"], DAY + 10 * HOUR)] == ["book"]
    assert await book.series(["mira"], DAY + 9 * HOUR) == []
    assert await book.series(["omar"], DAY + 10 * HOUR) == []


async def test_counts_per_day_are_of_booked_single_appointments(book: AppointmentBook) -> None:
    cancelled = AppointmentStatus.CANCELLED
    await put(
        book,
        appointment(1),
        appointment(2, **OMAR),
        appointment(3, status=cancelled),
        appointment(4, start=DAY - HOUR, end=DAY + HOUR),
        appointment(5, start=DAY + timedelta(days=2), end=DAY + timedelta(days=9)),
        appointment(6, practitioner_id="priya"),
        weekly(),
    )
    counts = await book.day_counts(["mira", "omar"], DAY, DAY + timedelta(days=7))
    assert counts == {DAY.date(): 2, (DAY + timedelta(days=2)).date(): 1}
    assert await book.day_counts([], DAY, DAY + timedelta(days=7)) == {}


async def test_a_search_finds_every_word_in_client_title_or_notes(book: AppointmentBook) -> None:
    await put(
        book,
        appointment(1, client_first_name="Anna", client_last_name="Lee"),
        appointment(2, title="Anna 100%_ sure", notes="call Mr Lee"),
        appointment(3, client_first_name="Zoë", client_last_name="ŁUKASZ"),
        appointment(4, client_first_name="Anna", **OMAR),
    )

    async def found(text: str, *who: str) -> list[str]:
        everyone = who or ("mira", "omar")
        return [each.source_id for each in await book.search(everyone, text, DAY)]

    assert sorted(await found("anna lee")) == ["1", "2"]
    assert await found("ANNA", "omar") == ["4"]
    assert await found("100%_") == ["2"]
    assert await found("%") == ["2"]
    assert await found("łukasz zoë") == ["3"]
    assert await found("nobody") == []
    assert await found("  ") == []


async def test_a_search_answers_the_next_ones_first_and_then_the_latest_before(
    book: AppointmentBook,
) -> None:
    days = {number: DAY + timedelta(days=number) for number in (-2, -1, 0, 1, 2)}
    await put(
        book,
        *(
            appointment(10 + number, start=start, end=start + HOUR, notes="physio")
            for number, start in days.items()
        ),
    )
    found = await book.search(["mira"], "physio", DAY, 2)
    assert [each.start for each in found] == [days[0], days[1], days[-1], days[-2]]


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


# ── sources, merging, imports ─────────────────────────────────────────────────────────────────


async def test_source_rows_say_enough_to_compare_a_new_file(book: AppointmentBook) -> None:
    one = appointment(1, status=AppointmentStatus.CANCELLED)
    await put(book, one, appointment(2), appointment(3, source="other"))
    rows = await book.source_rows("pms")
    assert set(rows) == {"1", "2"}
    row = rows["1"]
    assert (row.appointment_id, row.source_id, row.practitioner_id) == (one.id, "1", "mira")
    assert (row.start, row.end, row.cancelled) == (one.start, one.end, True)
    assert row.row_hash == row_hash(one)
    assert not rows["2"].cancelled


async def test_merging_two_practitioners_moves_all_appointments(book: AppointmentBook) -> None:
    await put(book, appointment(1), appointment(2), appointment(3, practitioner_id="omar"))
    await book.reassign("mira", "omar", LATER)
    assert await book.count("mira") == 0
    moved = await book.appointments("omar", DAY, DAY + timedelta(days=1))
    assert [(each.revision, each.changed_at) for each in moved if each.source_id != "3"] == [
        (2, LATER),
        (2, LATER),
    ]
    assert await book.revisions() == {"mira": 2, "omar": 2}


async def test_after_a_merge_the_same_file_changes_nothing(book: AppointmentBook) -> None:
    await put(book, appointment())
    await book.reassign("mira", "omar", LATER)
    rows = await book.source_rows("pms")
    assert rows["1"].row_hash == row_hash(appointment(practitioner_id="omar"))


async def test_merging_nothing_or_into_oneself_touches_no_practitioner(
    book: AppointmentBook,
) -> None:
    await put(book, appointment())
    await book.reassign("nobody", "mira", LATER)
    await book.reassign("mira", "mira", LATER)
    assert await book.revisions() == {"mira": 1}


async def test_counts_are_of_everyone_or_of_one(book: AppointmentBook) -> None:
    await put(book, appointment(1), weekly(), appointment(3, practitioner_id="omar"))
    assert await book.count() == 3
    assert await book.count("mira") == 2
    assert await book.count("nobody") == 0


async def test_rows_elsewhere_are_those_of_other_sources_that_begin_in_the_span(
    book: AppointmentBook,
) -> None:
    named = {"client_first_name": "Ada", "client_last_name": "Example", "client_id": "C1"}
    stamp = NOW - timedelta(days=1)
    one = appointment(1, source="other", updated=stamp, appointment_type="Long", **named)
    await put(
        book,
        one,
        appointment(2),
        replace(appointment(3, start=DAY - HOUR), source="other"),
        appointment(4, source="other", practitioner_id="omar"),
        replace(weekly(), id="own-1", source="book", source_id="", title="Lunch"),
    )
    found = await book.rows_elsewhere("pms", ["mira"], DAY, DAY + timedelta(days=1))
    row, own = sorted(found, key=lambda each: each.source, reverse=True)
    assert (row.appointment_id, row.source, row.source_id) == (one.id, "other", "1")
    assert (row.client_id, row.client_name, row.what) == ("C1", "Ada Example", "Long")
    assert (row.start, row.end, row.updated) == (one.start, one.end, stamp)
    assert row.row_hash == row_hash(one)
    assert (own.source, own.source_id, own.what) == ("book", "", "Lunch")


# ── imports and their undoing ─────────────────────────────────────────────────────────────────


def record(file_name: str = "a.csv", **changes: Any) -> ImportRecord:
    return replace(ImportRecord(source="pms", at=NOW, file_name=file_name, by="desk"), **changes)


async def test_imports_come_newest_first_with_all_that_was_recorded(
    book: AppointmentBook,
) -> None:
    memory = ImportMemory(
        created=("mira",),
        aliases={"omar": ("O. Example",)},
        answers=("date_order",),
        columns={"start": "Begins"},
    )
    records = [
        record(
            f"{number}.csv",
            at=NOW + timedelta(minutes=minute),
            added=1,
            changed=2,
            removed=3,
            unchanged=4,
            rejected=5,
            cancelled=6,
            older=7,
            kept=8,
            memory=memory,
        )
        for number, minute in enumerate([0, 5, 5, 1])
    ]
    for each in records:
        await book.apply(BookChange(imported=each), NOW)
    found = await book.imports()
    assert [each.id for each in found] == [3, 2, 4, 1]
    assert [replace(each, id=0) for each in found] == [records[n] for n in (2, 1, 3, 0)]
    assert [each.id for each in await book.imports(1)] == [3]


async def test_an_import_keeps_what_it_replaced(book: AppointmentBook) -> None:
    stays, changes, goes = appointment(1), appointment(2, notes="was"), appointment(3)
    await put(book, stays, changes, goes)
    before = {each.id: each for each in await on(book, DAY)}
    new = appointment(4)
    change = BookChange(
        put=[replace(changes, notes="is"), new], remove=[goes.id, "nobody"], imported=record()
    )
    await book.apply(change, LATER)
    (kept,) = await book.imports()
    assert kept.can_undo
    found = {each.appointment_id: each for each in await book.replaced(kept.id)}
    assert {key: each.before for key, each in found.items()} == {
        changes.id: before[changes.id],
        goes.id: before[goes.id],
        new.id: None,
    }
    revisions = {key: (each.revision, each.now) for key, each in found.items()}
    assert revisions == {changes.id: (2, 2), goes.id: (0, 0), new.id: (1, 1)}
    await put(book, replace(new, notes="later"))
    await book.apply(BookChange(remove=[changes.id]), LATER)
    found = {each.appointment_id: each for each in await book.replaced(kept.id)}
    assert (found[new.id].now, found[changes.id].now) == (2, 0)


async def test_an_import_that_comes_back_leaves_the_next_revision(book: AppointmentBook) -> None:
    await put(book, appointment(1))
    await book.apply(BookChange(remove=[appointment(1).id]), LATER)
    await book.apply(BookChange(put=[appointment(1)], imported=record()), LATER)
    (replaced,) = await book.replaced((await book.imports())[0].id)
    assert (replaced.before, replaced.revision, replaced.now) == (None, 2, 2)


async def test_an_import_is_undone_once(book: AppointmentBook) -> None:
    await book.apply(BookChange(put=[appointment(1)], imported=record()), NOW)
    (kept,) = await book.imports()
    undoing = BookChange(remove=[appointment(1).id], undoes=Undoing(import_id=kept.id, by="ada"))
    await book.apply(undoing, LATER)
    (undone,) = await book.imports()
    assert (undone.undone_at, undone.undone_by, undone.can_undo) == (LATER, "ada", False)
    assert await book.replaced(kept.id) == []
    await put(book, appointment(1))
    with pytest.raises(ChangedMeanwhile):
        await book.apply(undoing, LATER)
    assert await book.count() == 1


async def test_an_undone_import_leaves_the_one_before_it_to_be_undone(
    book: AppointmentBook,
) -> None:
    one = appointment(1)
    await book.apply(BookChange(put=[one], imported=record("first")), NOW)
    await book.apply(BookChange(put=[replace(one, notes="new")], imported=record("2nd")), LATER)
    second, first = await book.imports()
    (replaced,) = await book.replaced(second.id)
    assert replaced.before is not None
    undoing = Undoing(import_id=second.id, by="ada")
    await book.apply(BookChange(put=[replaced.before], undoes=undoing), LATER)
    (replaced,) = await book.replaced(first.id)
    assert (replaced.before, replaced.revision, replaced.now) == (None, 3, 3)


async def test_the_arrivals_of_a_source_are_its_files_that_are_in_the_book(
    book: AppointmentBook,
) -> None:
    minutes = [NOW + timedelta(minutes=number) for number in range(5)]
    for record_ in (
        record("1.csv", at=minutes[0]),
        record("2.csv", at=minutes[1]),
        replace(record("3.csv", at=minutes[2]), source="other"),
        record("", at=minutes[3]),
        record("5.csv", at=minutes[4]),
    ):
        await book.apply(BookChange(imported=record_), NOW)
    (newest, *_) = await book.imports(1)
    await book.apply(BookChange(undoes=Undoing(import_id=newest.id, by="mira")), NOW)
    assert await book.arrivals(newest.source, 10) == [minutes[1], minutes[0]]
    assert await book.arrivals(newest.source, 1) == [minutes[1]]
    assert await book.arrivals("nobody", 10) == []


async def test_an_edit_is_told_from_what_an_import_wrote(book: AppointmentBook) -> None:
    assert await book.edited_at(NOW) is None
    imported = appointment(1, source="pms", source_id="1")
    await book.apply(BookChange(put=[imported]), NOW)
    assert await book.edited_at(NOW) is None
    assert await book.edited_at(NOW - HOUR) == NOW
    await book.apply(BookChange(put=[replace(imported, title="x")]), LATER)
    assert await book.edited_at(NOW) == LATER
    own = appointment(2, source="book", source_id="")
    await book.apply(BookChange(put=[own]), LATER + HOUR)
    assert await book.edited_at(LATER + 5 * HOUR) == LATER + HOUR


async def test_only_the_newest_imports_can_be_undone(book: AppointmentBook) -> None:
    for number in range(UNDO_IMPORTS + 2):
        await book.apply(BookChange(put=[appointment(1)], imported=record(f"{number}")), NOW)
    await book.apply(BookChange(imported=record("nothing")), LATER)
    found = await book.imports(1_000)
    assert [each.can_undo for each in found] == [False, *[True] * UNDO_IMPORTS, False, False]


async def test_a_refused_change_records_nothing(book: AppointmentBook) -> None:
    change = BookChange(put=[appointment(1)], expect={appointment(1).id: 7}, imported=record())
    with pytest.raises(ChangedMeanwhile):
        await book.apply(change, NOW)
    assert await book.imports() == []


# ── names ─────────────────────────────────────────────────────────────────────────────────────


async def test_names_of_clients_stay_known_once_they_were_in_the_book(
    book: AppointmentBook,
) -> None:
    assert await book.client_names() == []
    before = appointment(1, client_first_name="Jane", client_last_name="Quill")
    await book.apply(BookChange(put=(before, appointment(2))), NOW)
    (first,) = await book.client_names()
    assert first[1:] == ("Jane", "Quill")
    assert await book.client_names(first.number) == []
    married = replace(before, client_last_name="Wren")
    await book.apply(BookChange(put=(married,)), LATER)
    await book.apply(BookChange(remove=(married.id,)), LATER)
    await book.apply(BookChange(put=(before,)), LATER)
    assert [each[1:] for each in await book.client_names()] == [("Jane", "Quill"), ("Jane", "Wren")]
    assert [each[1:] for each in await book.client_names(first.number)] == [("Jane", "Wren")]
