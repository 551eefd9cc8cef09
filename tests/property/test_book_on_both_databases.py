"""One history of the book has the same answers from the file of a home and from PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.adapters.database import Database, open_database
from companion.adapters.database.opening_practice import open_practice_database
from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.domain.errors import CompanionError
from companion.services.ports import AppointmentBook, BookChange, ImportRecord, Undoing
from tests.contract.book_samples import DAY, HOUR, NOW, appointment
from tests.fakes.clock import FakeClock
from tests.fakes.practice_database import practice_server

pytestmark = pytest.mark.postgresql
PEOPLE = ("mira", "omar", "Ömer")
WORDS = st.text(
    st.one_of(st.sampled_from("aAzZ éÉßłŁ'’%_\\\"\n王😀\0"), st.characters(codec="utf-8")),
    max_size=6,
)
MINUTES = st.integers(-3 * 1440, 3 * 1440)


@st.composite
def one_appointment(draw: st.DrawFn) -> Appointment:
    number = draw(st.integers(0, 9))
    start = DAY + timedelta(minutes=draw(MINUTES))
    lasts = timedelta(minutes=draw(st.sampled_from([1, 30, 2 * 1440, 2 * 1440 + 1, 9 * 1440])))
    moved = OccurrenceChange(original_start=start, start=start - HOUR, title=draw(WORDS))
    series = Recurrence(rule="FREQ=DAILY;COUNT=3", changes=(moved,))
    return replace(
        appointment(number),
        practitioner_id=draw(st.sampled_from(PEOPLE)),
        kind=draw(st.sampled_from(AppointmentKind)),
        status=draw(st.sampled_from(AppointmentStatus)),
        show_as=draw(st.sampled_from(ShowAs)),
        start=start,
        end=start + lasts,
        all_day=draw(st.booleans()),
        title=draw(WORDS),
        notes=draw(WORDS),
        client_first_name=draw(WORDS),
        client_last_name=draw(WORDS),
        reminder_minutes=draw(st.none() | st.integers(0, 40_320)),
        recurrence=draw(st.none() | st.just(series)),
        source=draw(st.sampled_from(["pms", "book"])),
        source_id=draw(st.sampled_from(["", str(number), "7"])),
        updated=draw(st.none() | st.just(NOW)),
    )


@dataclass(frozen=True)
class Put:
    put: tuple[Appointment, ...]
    remove: tuple[str, ...]
    imported: bool
    expected: int | None
    """The revision that the first one put is expected to have."""


@dataclass(frozen=True)
class Undo:
    newest: int
    """How many imports ago."""


@dataclass(frozen=True)
class Merge:
    leaves: str
    arrives: str


IDS = st.integers(0, 9).map(lambda number: f"pms-{number}")
PUT = st.builds(
    Put,
    st.lists(one_appointment(), max_size=4).map(tuple),
    st.lists(IDS, max_size=3).map(tuple),
    st.booleans(),
    st.sampled_from([None, None, None, 0, 1]),
)
STEPS = st.lists(
    st.one_of(
        PUT,
        PUT,
        st.builds(Undo, st.integers(0, 2)),
        st.builds(Merge, st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)),
    ),
    max_size=10,
)


async def take(book: AppointmentBook, step: Put | Undo | Merge, now: datetime) -> str:
    """What came of it."""
    try:
        match step:
            case Put():
                record = ImportRecord(source="pms", at=now, file_name="a.csv", by="Zoë")
                expect = {}
                if step.put and step.expected is not None:
                    expect = {step.put[0].id: step.expected}
                change = BookChange(
                    put=step.put,
                    remove=step.remove,
                    expect=expect,
                    imported=record if step.imported else None,
                )
                await book.apply(change, now)
            case Undo():
                await undo(book, step, now)
            case Merge():
                await book.reassign(step.leaves, step.arrives, now)
    except CompanionError as error:
        return f"{type(error).__name__}: {error}"
    return "done"


async def undo(book: AppointmentBook, step: Undo, now: datetime) -> None:
    kept = (await book.imports())[step.newest : step.newest + 1]
    for record in kept:
        was = await book.replaced(record.id)
        put = [each.before for each in was if each.before is not None]
        remove = [each.appointment_id for each in was if each.before is None]
        undoing = Undoing(import_id=record.id, by="Zoë")
        await book.apply(BookChange(put=put, remove=remove, undoes=undoing), now)


async def answers(book: AppointmentBook, words: str) -> dict[str, Any]:
    """All that the book says. The numbers of imports may have gaps, those of names too."""
    span = (DAY - 2 * timedelta(days=1), DAY + timedelta(days=2))
    imports = await book.imports()
    return {
        "appointments": [await book.appointments(each, *span) for each in PEOPLE],
        "versions": [await book.versions(each, *span) for each in PEOPLE],
        "several": await book.of_practitioners(PEOPLE, *span),
        "series": await book.series(PEOPLE, span[1]),
        "days": await book.day_counts(PEOPLE, *span),
        "found": [await book.search(PEOPLE, each, DAY, 3) for each in (words, "a", "%", "SS")],
        "rows": await book.source_rows("pms"),
        "elsewhere": sorted(
            await book.rows_elsewhere("book", PEOPLE, *span), key=lambda each: each.appointment_id
        ),
        "revisions": await book.revisions(),
        "counts": [await book.count(each) for each in (None, *PEOPLE)],
        "names": [(each.first, each.last) for each in await book.client_names()],
        "imports": [replace(each, id=0) for each in imports],
        "replaced": [await book.replaced(each.id) for each in imports],
        "arrivals": await book.arrivals("pms", 5),
        "edited": await book.edited_at(NOW + HOUR),
    }


@contextmanager
def both() -> Iterator[list[Database]]:
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        url = stack.enter_context(practice_server().new_database())
        home = open_database(Path(folder) / "book.db", FakeClock())
        stack.callback(home._access.close)
        practice = open_practice_database(url, FakeClock())
        stack.callback(practice._access.close)
        yield [home, practice]


@settings(max_examples=12)
@given(STEPS, WORDS)
def test_one_history_has_the_same_answers_from_both(
    steps: list[Put | Undo | Merge], words: str
) -> None:
    async def play() -> None:
        for number, step in enumerate(steps):
            now = NOW + timedelta(minutes=number)
            came = [await take(each.book, step, now) for each in databases]
            assert came[0] == came[1]
            home, practice = [await answers(each.book, words) for each in databases]
            for name, found in home.items():
                assert practice[name] == found, name

    with both() as databases:
        asyncio.run(play())
