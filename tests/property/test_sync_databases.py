"""Random histories over a real database, SQLite's file and PostgreSQL's server, one process.

A failure prints its seed and what happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.adapters.database import open_database
from companion.adapters.database.database import Database
from companion.adapters.database.opening_practice import open_practice_database
from companion.services.changes import Changes
from companion.services.ports import Clock
from tests.battery.database_history import RealDatabase, play
from tests.fakes.clock import FakeClock


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[RealDatabase]:
    path = tmp_path / "book.db"

    def opened(clock: Clock, changes: Changes) -> Database:
        return open_database(path, clock, changes=changes)

    asyncio.run(open_database(path, FakeClock()).close())
    made = RealDatabase(f"sqlite:///{path}", opened)
    yield made
    made.close()


@pytest.fixture
def on_postgresql(practice_url: URL) -> Iterator[RealDatabase]:
    def opened(clock: Clock, changes: Changes) -> Database:
        return open_practice_database(practice_url, clock, changes=changes)

    made = RealDatabase(practice_url, opened)
    yield made
    made.close()


def test_histories_on_sqlite_end_equal_silent_and_proven(on_sqlite: RealDatabase) -> None:
    for seed in range(12):
        play(seed, on_sqlite)


@pytest.mark.postgresql
def test_histories_on_postgresql_end_equal_silent_and_proven(on_postgresql: RealDatabase) -> None:
    for seed in range(12):
        play(seed, on_postgresql)


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(2_000_000, 2_001_000, 50))
def test_a_thousand_histories_on_postgresql_end_so(first: int, on_postgresql: RealDatabase) -> None:
    for seed in range(first, first + 50):
        play(seed, on_postgresql, 14 + seed % 30)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(3_000_000, 3_001_000, 50))
def test_a_thousand_histories_on_sqlite_end_so(first: int, on_sqlite: RealDatabase) -> None:
    for seed in range(first, first + 50):
        play(seed, on_sqlite, 14 + seed % 30)
