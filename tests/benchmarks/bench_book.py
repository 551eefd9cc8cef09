"""What a large book costs: prints figures, asserts how they grow.

A day's appointments must not cost ten times more in a book ten times larger, and an import of
50,000 must stay near what Python's own sqlite3 needs for the same rows.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.adapters.database import Database, open_database
from companion.domain.appointments import Appointment, AppointmentKind, Recurrence, appointment_id
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.services.ports import BookChange, CalendarRef
from companion.services.rows import row_hash
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FIRST_DAY = datetime(2025, 1, 6)  # noqa: DTZ001 - wall time
PRACTITIONERS = 20
A_DAY = 20


def appointments(count: int) -> Iterable[Appointment]:
    """Of 20 practitioners with 20 appointments a day each; every hundredth long or a series."""
    for number in range(count):
        turn = number // PRACTITIONERS
        start = FIRST_DAY + timedelta(days=turn // A_DAY, hours=8, minutes=30 * (turn % A_DAY))
        lasts = timedelta(days=5) if number % 200 == 7 else timedelta(minutes=30)
        yield Appointment(
            id=appointment_id("pms", str(number), bytes(32)),
            practitioner_id=f"p{number % PRACTITIONERS}",
            kind=AppointmentKind.CLIENT,
            start=start,
            end=start + lasts,
            timezone="Australia/Sydney",
            appointment_type="Standard consultation",
            client_id=str(number % 4_000),
            client_first_name="Ana",
            client_last_name="Okafor",
            location="Room 1",
            notes="Bring the earlier results along, please.",
            recurrence=Recurrence(rule="FREQ=WEEKLY;COUNT=4") if number % 1_000 == 9 else None,
            source="pms",
            source_id=str(number),
            created=NOW,
        )


def report(what: str, seconds: float, more: str = "") -> None:
    print(f"{what:<52} {seconds * 1_000:>10.2f} ms  {more}")


def report_size(path: Path) -> None:
    print(f"{'size of the file':<52} {path.stat().st_size >> 10:>10} kB")


async def measured(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def median(work: Callable[[], Awaitable[object]], times: int = 200) -> float:
    await work()
    return statistics.median([await measured(work) for _ in range(times)])


async def a_day(database: Database) -> float:
    middle = FIRST_DAY + timedelta(days=12)
    return await median(
        lambda: database.book.appointments("p3", middle, middle + timedelta(days=1))
    )


async def test_a_day_costs_the_same_in_a_large_book(tmp_path: Path) -> None:
    costs = []
    for size in (10_000, 100_000):
        database = open_database(tmp_path / f"{size}.db", FakeClock())
        await database.book.apply(BookChange(put=list(appointments(size))), NOW)
        costs.append(await a_day(database))
        report(f"a practitioner's day, book of {size:,}", costs[-1])
        report("  its revisions", await median(database.book.revisions))
        report("  its change sign", await median(database.book.change_sign))
        await database.close()
        began = time.perf_counter()
        again = await asyncio.to_thread(open_database, tmp_path / f"{size}.db", FakeClock())
        report("  opening it", time.perf_counter() - began)
        await again.close()
    assert costs[1] < 3 * costs[0]


async def test_an_import_is_near_plain_sqlite(tmp_path: Path) -> None:
    put = list(appointments(50_000))
    began = time.perf_counter()
    hashes = [row_hash(each) for each in put]
    report("row_hash of 50,000", time.perf_counter() - began)
    database = open_database(tmp_path / "book.db", FakeClock())
    new = await measured(lambda: database.book.apply(BookChange(put=put), NOW))
    report("apply 50,000 new ones", new)
    report("source_rows of 50,000", await measured(lambda: database.book.source_rows("pms")))
    changed = await measured(lambda: database.book.apply(BookChange(put=put[:500]), NOW))
    report("apply 500 changed ones", changed)
    await database.close()
    with closing(sqlite3.connect(tmp_path / "plain.db")) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute(f"CREATE TABLE plain ({', '.join(f'c{n}' for n in range(28))}, id PRIMARY KEY)")
        raw.execute("CREATE INDEX by_time ON plain (c0, c1, c2)")
        raw.execute("CREATE UNIQUE INDEX by_source ON plain (c20, c21)")
        began = time.perf_counter()
        raw.executemany(
            f"INSERT INTO plain VALUES ({', '.join('?' * 29)})",  # noqa: S608 - marks only
            (plain(each, hashed) for each, hashed in zip(put, hashes, strict=True)),
        )
        raw.commit()
        bare = time.perf_counter() - began
    report("the same rows by sqlite3 alone", bare, f"ours {new / bare:.1f} ×")
    assert new < 8 * bare


def plain(each: Appointment, hashed: bytes) -> tuple[object, ...]:
    start, end = each.start.isoformat(" "), each.end.isoformat(" ")
    texts = (each.timezone, each.kind, each.status, each.show_as, each.appointment_type)
    names = (each.client_id, each.client_first_name, each.client_last_name, each.location)
    rest = (each.notes, "", "", "", 0, 0, None)
    head = (each.practitioner_id, 0, start, start, end, *map(str, texts), *names, *rest)[:20]
    return (*head, *("",) * (20 - len(head)), "pms", each.source_id, *(None,) * 5, hashed, each.id)


async def test_ledger_rows_are_durable_one_by_one(tmp_path: Path) -> None:
    database = open_database(tmp_path / "book.db", FakeClock())
    calendar = CalendarRef(practitioner_id="p1", calendar_id="c")
    rows = [
        LedgerEntry(
            key=appointment_id("pms", str(number), bytes(32)),
            event_id="e" * 52,
            generation=0,
            state=LedgerEntryState.OK,
            fingerprint="f" * 32,
            style="|",
            begins=NOW,
            ends=NOW,
            etag='"3181161784712000"',
            content_hash="c" * 32,
        )
        for number in range(10_000)
    ]
    singly = iter(rows[:500])
    one = await median(lambda: database.ledger.write(calendar, [next(singly)]), 400)
    all_at_once = await measured(lambda: database.ledger.write(calendar, rows))
    report("one ledger row, on disk", one, f"{1 / one:,.0f} a second")
    report("10,000 ledger rows in one write", all_at_once)
    report("reading 10,000 ledger rows", await measured(lambda: database.ledger.entries(calendar)))
    await database.close()
    report_size(tmp_path / "book.db")
    assert all_at_once < 10_000 * one / 5
