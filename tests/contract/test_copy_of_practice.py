"""A backup of a practice's book is an SQLite file, as a home's is."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.adapters.database import Database, open_database
from companion.adapters.database.opening_practice import open_practice_database
from companion.domain.errors import StoreDamaged, StoreError
from companion.domain.sync_state import SyncState
from companion.services.ports import Activity, ActivityKind, BookChange, ImportRecord
from tests.contract.book_samples import DAY, HOUR, NOW, appointment, on, put, weekly
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.postgresql
TABLES = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"


@pytest.fixture
async def database(practice_url: URL) -> AsyncIterator[Database]:
    made = open_practice_database(practice_url, FakeClock())
    yield made
    await made.close()


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def fill(database: Database) -> None:
    await put(database.book, appointment(1, client_first_name="Zoë", notes="x"), weekly())
    record = ImportRecord(source="pms", at=NOW, file_name="a.csv", added=1, by="mira")
    await database.book.apply(BookChange(put=[appointment(2)], imported=record), NOW)
    await database.ledger.edit_state("mira", lambda _: SyncState(events=3))
    line = Activity(
        at=datetime(2026, 3, 2, tzinfo=UTC),
        practitioner_id="mira",
        cause="worker",
        kind=ActivityKind.INSERT,
        text="a",
    )
    await database.activity.add([line])


async def test_a_backup_opens_as_a_home_with_all_that_the_practice_had(
    database: Database, tmp_path: Path
) -> None:
    await fill(database)
    await database.backup_to(tmp_path / "copy.db")
    assert names(tmp_path) == ["copy.db"]
    assert await database.check_copy(tmp_path / "copy.db") == 3
    copy = open_database(tmp_path / "copy.db", FakeClock())
    assert await copy.integrity() == "ok"
    await copy.check_whole()
    for of in (database, copy):
        assert len(await on(of.book, DAY)) == 3
    assert await on(copy.book, DAY) == await on(database.book, DAY)
    assert await copy.book.id_key() == await database.book.id_key()
    assert await copy.book.imports() == await database.book.imports()
    assert await copy.book.revisions() == await database.book.revisions()
    assert await copy.ledger.states() == await database.ledger.states()
    assert await copy.activity.recent() == await database.activity.recent()
    await put(copy.book, appointment(3))
    await copy.close()


async def test_its_tables_are_to_the_letter_those_of_a_home(
    database: Database, tmp_path: Path
) -> None:
    await database.backup_to(tmp_path / "copy.db")
    open_database(tmp_path / "home.db", FakeClock())._access.close()
    tables = []
    for name in ("copy.db", "home.db"):
        with closing(sqlite3.connect(tmp_path / name)) as raw:
            rows = raw.execute(TABLES).fetchall()
            versions = raw.execute("SELECT * FROM alembic_version").fetchall()
        tables.append(([(*row[:2], " ".join((row[2] or "").split())) for row in rows], versions))
    assert tables[0] == tables[1]


async def test_a_backup_is_of_one_moment(database: Database, tmp_path: Path) -> None:
    """Each change moves one appointment from one practitioner to the other."""
    await put(database.book, *(appointment(number) for number in range(200)))

    async def keep_changing() -> None:
        for number in range(20):
            who = "omar" if number % 2 else "mira"
            moved = [appointment(each, practitioner_id=who) for each in range(200)]
            await put(database.book, *moved)

    writing = asyncio.ensure_future(keep_changing())
    for number in range(3):
        await database.backup_to(tmp_path / f"{number}.db")
        copy = open_database(tmp_path / f"{number}.db", FakeClock())
        counts = {await copy.book.count(who) for who in ("mira", "omar")}
        assert counts == {0, 200}
        await copy.close()
    await writing


async def test_a_backup_that_fails_leaves_no_file(database: Database, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        await database.backup_to(tmp_path / "nowhere" / "copy.db")
    (tmp_path / "copy.db").write_bytes(b"earlier")
    (tmp_path / "copy.db.part").mkdir()
    with pytest.raises(StoreError):
        await database.backup_to(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == b"earlier"
    with pytest.raises(StoreDamaged):
        await database.check_copy(tmp_path / "copy.db")


async def test_a_whole_book_is_whole_here_too(database: Database) -> None:
    long = replace(appointment(1), end=appointment(1).start + 100 * HOUR)
    await put(database.book, long, weekly())
    await database.check_whole()
    assert await database.integrity() == "ok"
