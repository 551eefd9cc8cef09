"""What every AppointmentBook answers for a span of days, of one practitioner or several."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from companion.domain.appointments import (
    Appointment,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
    occurrences,
)
from companion.services.ports import (
    AppointmentBook,
)
from tests.contract.book_samples import DAY, HOUR, appointment, on, put, weekly
from tests.contract.stores import opened

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
        kinds = [asyncio.run(answers(kind, Path(folder))) for kind in ("memory", "database")]
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


async def test_a_search_finds_every_word_without_regard_to_case_and_accents(
    book: AppointmentBook,
) -> None:
    await put(
        book,
        appointment(1, client_first_name="Anna", client_last_name="Lee"),
        appointment(2, title="Anna 100%_ sure", notes="call Mr Lee"),
        appointment(3, client_first_name="Zoë", client_last_name="ŁUKASZ"),
        appointment(4, client_first_name="Anna", **OMAR),
        appointment(5, client_first_name="Tāne", client_last_name="O’Brien-Strauß"),
        appointment(6, client_id="C-4711", appointment_type="Remedial massage"),
    )

    async def found(text: str, *who: str) -> list[str]:
        everyone = who or ("mira", "omar")
        return [each.source_id for each in await book.search(everyone, text, DAY)]

    assert sorted(await found("anna lee")) == ["1", "2"]
    assert await found("ANNA", "omar") == ["4"]
    assert await found("100%_") == ["2"]
    assert await found("%") == ["2"]
    for text in ("łukasz zoë", "lukasz zoe", "ZOË", "Zoe\u0308"):
        assert await found(text) == ["3"], text
    for text in ("tane", "TĀNE", "o'brien", "o’brien", "strauss", "STRAUß"):
        assert await found(text) == ["5"], text
    assert await found("4711") == await found("massage remedial") == ["6"]
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
