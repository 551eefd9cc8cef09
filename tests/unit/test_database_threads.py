"""Threads, transactions, cancelling, other processes, backups: how the database is shared."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import sys
import threading
from collections import UserDict
from collections.abc import AsyncIterator, Callable, ItemsView
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from companion.adapters.database import Database, open_database
from companion.adapters.database.sqlite_access import SqliteAccess
from companion.domain.appointments import Appointment
from companion.domain.errors import Busy, StoreDamaged, StoreError
from companion.domain.sync_state import SyncState
from companion.services.changes import BookChanged
from companion.services.ports import BookChange
from tests.fakes.appointments import appointment
from tests.fakes.changes import LossyChanges
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PATIENCE = 10


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(tmp_path / "book.db", FakeClock(), busy_seconds=0.05)
    yield opened
    await opened.close()


def appointments(count: int) -> list[Appointment]:
    start = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - wall time
    return [
        appointment(start, id=f"a{number}", practitioner_id="mira", notes="n" * 500)
        for number in range(count)
    ]


def events(count: int) -> Callable[[SyncState], SyncState]:
    return lambda _: SyncState(events=count)


def insert(connection: Connection, name: str) -> None:
    connection.exec_driver_sql("INSERT INTO practitioner_revisions VALUES (?, 1)", (name,))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def permissions(path: Path) -> int:
    return path.stat().st_mode & 0o777


class Gate:
    """Work that has begun, and goes on when told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def two_rows(self, connection: Connection) -> None:
        insert(connection, "first")
        self.wait(connection)
        insert(connection, "second")

    def wait(self, _: Connection) -> None:
        self.begun.set()
        assert self.go.wait(PATIENCE)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)


# ── cancelling ────────────────────────────────────────────────────────────────────────────────


async def test_a_cancelled_write_that_has_begun_is_finished_before_it_is_over(
    database: Database,
) -> None:
    gate = Gate()
    task = asyncio.create_task(database._access.write(gate.two_rows))
    await gate.has_begun()
    task.cancel()
    await asyncio.sleep(0.02)
    assert not task.done()
    gate.go.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE)
    assert await database.book.revisions() == {"first": 1, "second": 1}


async def test_a_cancelled_write_that_has_not_begun_never_happens(database: Database) -> None:
    gate = Gate()
    first = asyncio.create_task(database._access.write(gate.wait))
    await gate.has_begun()
    second = asyncio.create_task(database.ledger.edit_state("mira", events(1)))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(second, PATIENCE)
    gate.go.set()
    await first
    assert await database.ledger.states() == {}


async def test_cancelling_twice_does_not_wait_and_does_not_tear(database: Database) -> None:
    gate = Gate()
    task = asyncio.create_task(database._access.write(gate.two_rows))
    await gate.has_begun()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.02)
    assert task.cancelled()
    assert await database.book.revisions() == {}
    gate.go.set()
    await database.ledger.edit_state("omar", events(0))  # the next turn comes after that one
    assert await database.book.revisions() == {"first": 1, "second": 1}


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_write_that_fails_is_cancelled_all_the_same(
    times: int, database: Database
) -> None:
    gate = Gate()
    unread: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, facts: unread.append(facts))

    def fail(connection: Connection) -> None:
        gate.two_rows(connection)
        raise sqlite3.OperationalError("made up")

    task = asyncio.create_task(database._access.write(fail))
    await gate.has_begun()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    gate.go.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE)
    await database.ledger.edit_state("omar", events(0))  # the next turn comes after that one
    assert await database.book.revisions() == {}
    del task
    gc.collect()
    assert unread == [], "no traceback reaches a person"


async def test_reads_go_on_beside_a_write_and_see_the_state_before(database: Database) -> None:
    gate = Gate()
    task = asyncio.create_task(database._access.write(gate.two_rows))
    await gate.has_begun()
    assert await asyncio.wait_for(database.book.revisions(), PATIENCE) == {}
    gate.go.set()
    await task
    assert await database.book.revisions() == {"first": 1, "second": 1}


async def test_the_loop_goes_on_while_much_is_written(database: Database) -> None:
    """What is asserted is that turns of the loop happen at all, many of them, not how long."""
    turns = 0
    task = asyncio.create_task(database.book.apply(BookChange(put=appointments(5_000)), NOW))
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    await task
    assert turns > 10


# ── failures ──────────────────────────────────────────────────────────────────────────────────


async def test_a_write_that_fails_half_way_leaves_nothing(database: Database) -> None:
    def fail(connection: Connection) -> None:
        insert(connection, "first")
        insert(connection, "first")

    with pytest.raises(Exception, match="same number"):
        await database._access.write(fail)
    assert await database.book.revisions() == {}
    await database.ledger.edit_state("mira", events(0))


async def test_another_process_that_writes_too_long_makes_us_busy_and_no_more(
    database: Database, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "book.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            await database.ledger.edit_state("mira", events(1))
        assert await database.ledger.states() == {}
        other.execute("ROLLBACK")
        await database.ledger.edit_state("mira", events(2))
    assert await database.ledger.state("mira") == SyncState(events=2)


async def test_a_full_disk_is_said_so_and_changes_nothing(database: Database) -> None:
    access = database._access
    assert isinstance(access, SqliteAccess)

    def limit(pages: int) -> None:
        access._writer.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        access._writer.rollback()

    limit(1)
    with pytest.raises(StoreError, match="disk is full"):
        await database.book.apply(BookChange(put=appointments(500)), NOW)
    assert await database.book.count() == 0
    limit(2**30)
    await database.book.apply(BookChange(put=appointments(500)), NOW)
    assert await database.book.count() == 500
    assert await database.integrity() == "ok"


async def test_what_reads_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError, match="cannot be written to"):
        await database._access.read(lambda connection: insert(connection, "first"))
    assert await database.book.revisions() == {}


async def test_after_closing_every_call_says_so(tmp_path: Path) -> None:
    database = open_database(tmp_path / "book.db", FakeClock())
    await database.close()
    await database.close()
    for call in (
        database.book.count(),
        database.ledger.edit_state("mira", events(0)),
        database.book.change_sign(),
        database.integrity(),
        database.backup_to(tmp_path / "copy.db"),
    ):
        with pytest.raises(StoreError, match="closing"):
            await call


async def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    database = open_database(tmp_path / "book.db", FakeClock())
    gate = Gate()
    task = asyncio.create_task(database._access.write(gate.two_rows))
    await gate.has_begun()
    closing_down = asyncio.create_task(database.close())
    await asyncio.sleep(0.02)
    assert not closing_down.done()
    gate.go.set()
    await asyncio.wait_for(closing_down, PATIENCE)
    await task
    again = open_database(tmp_path / "book.db", FakeClock())
    assert await again.book.revisions() == {"first": 1, "second": 1}
    await again.close()


# ── other processes ───────────────────────────────────────────────────────────────────────────


async def test_the_change_sign_tells_own_writes_to_the_book_from_those_of_others(
    database: Database, tmp_path: Path
) -> None:
    before = await database.book.change_sign()
    await database.ledger.edit_state("mira", events(1))
    await database.book.count()
    await database.integrity()
    await database.backup_to(tmp_path / "copy.db")
    assert await database.book.change_sign() == before
    await database.book.apply(BookChange(put=appointments(1)), NOW)
    assert await database.book.change_sign() == (before.others, before.own + 1)
    other = open_database(tmp_path / "book.db", FakeClock())
    await other.book.count()
    assert await database.book.change_sign() == (before.others, before.own + 1)
    await other.ledger.edit_state("omar", events(1))
    await other.close()
    after = await database.book.change_sign()
    assert after.others != before.others
    assert after.own == before.own + 1
    assert await database.book.change_sign() == after


async def test_a_commit_whose_caller_was_cancelled_moves_the_sign_and_is_published(
    tmp_path: Path,
) -> None:
    changes = LossyChanges()
    database = open_database(tmp_path / "book.db", FakeClock(), changes=changes)
    before = await database.book.change_sign()
    gate = Gate()

    class Waiting(UserDict[str, int]):
        def items(self) -> ItemsView[str, int]:
            """Asked for within the transaction."""
            gate.begun.set()
            gate.go.wait(PATIENCE)
            return super().items()

    change = BookChange(put=appointments(1), expect=Waiting())
    task = asyncio.create_task(database.book.apply(change, NOW))
    await gate.has_begun()
    task.cancel()
    assert changes.published == []
    gate.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.book.count() == 1
    assert (await database.book.change_sign()).own == before.own + 1
    assert changes.published == [BookChanged(practitioner_ids=frozenset({"mira"}))]
    await database.close()


# ── backups and damage ────────────────────────────────────────────────────────────────────────


async def test_a_backup_is_a_whole_database_as_of_its_moment(
    database: Database, tmp_path: Path
) -> None:
    await database.book.apply(BookChange(put=appointments(10)), NOW)
    copy = tmp_path / "copies" / "copy.db"
    await asyncio.to_thread(copy.parent.mkdir)
    await database.backup_to(copy)
    await database.book.apply(BookChange(put=appointments(20)), NOW)
    assert names(copy.parent) == ["copy.db"]
    restored = open_database(copy, FakeClock())
    assert await restored.book.count() == 10
    assert await restored.integrity() == "ok"
    await restored.close()


async def test_a_backup_is_for_this_user_only_and_replaces_an_older_one(
    database: Database, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    await database.backup_to(copy)
    await database.ledger.edit_state("mira", events(1))
    await database.backup_to(copy)
    if sys.platform != "win32":
        assert permissions(copy) == 0o600
    restored = open_database(copy, FakeClock())
    assert await restored.ledger.states() == {"mira": SyncState(events=1)}
    await restored.close()


async def test_a_backup_that_cannot_be_written_leaves_nothing_and_harms_nothing(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(StoreError):
        await database.backup_to(tmp_path / "no such folder" / "copy.db")
    assert names(tmp_path) == ["book.db", "book.db-shm", "book.db-wal"]
    assert await database.integrity() == "ok"


async def test_damage_inside_the_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    database = open_database(path, FakeClock())
    await database.book.apply(BookChange(put=appointments(500)), NOW)
    assert await database.integrity() == "ok"
    await database.close()
    spoil(path)
    damaged = open_database(path, FakeClock())
    assert await damaged.integrity() != "ok"
    with pytest.raises(StoreDamaged):
        await damaged.book.reassign("mira", "omar", NOW)
    await damaged.close()


def spoil(path: Path) -> None:
    """Overwrite everything behind the first pages: the tables' list and the revision stay."""
    content = bytearray(path.read_bytes())
    content[200_000:] = bytes(0xA5 for _ in content[200_000:])
    path.write_bytes(content)
