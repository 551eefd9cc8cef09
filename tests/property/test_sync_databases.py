"""Random histories over a real database, SQLite's file and PostgreSQL's server, one process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.adapters.database import open_database
from companion.adapters.database.opening import Database
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


def test_histories_on_sqlite_end_equal_silent_and_proven(on_sqlite: RealDatabase) -> None:
    for seed in range(20):
        play(seed, on_sqlite)
