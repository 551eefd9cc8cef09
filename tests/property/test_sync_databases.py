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
from tests.battery.database_history import Housed, RealDatabase, play
from tests.fakes.clock import FakeClock
from tests.property.test_sync_kill_points import WORKS, a_world_with_everything_to_do, check


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[RealDatabase]:
    path = tmp_path / "book.db"
    asyncio.run(open_database(path, FakeClock()).close())
    made = RealDatabase(f"sqlite:///{path}")
    yield made
    made.close()


@pytest.fixture
def on_postgresql(practice_url: URL) -> Iterator[RealDatabase]:
    made = RealDatabase(practice_url, shared=True)
    yield made
    made.close()


def test_histories_on_sqlite_end_equal_silent_and_proven(on_sqlite: RealDatabase) -> None:
    for seed in range(12):
        play(seed, on_sqlite)


@pytest.mark.postgresql
def test_histories_on_postgresql_end_equal_silent_and_proven(on_postgresql: RealDatabase) -> None:
    for seed in range(12):
        play(seed, on_postgresql)


async def die_on(place: RealDatabase, name: str, step: int) -> bool:
    """False where the pass was over before."""
    housed: list[Housed] = []
    try:
        world = await a_world_with_everything_to_do(lambda each: housed.append(Housed(each, place)))
        died = await world.crash_at(step, lambda: WORKS[name](world))
        await check(world)
        return died
    finally:
        await housed[0].close()


EVERY = pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(3600)])


@pytest.mark.postgresql
@pytest.mark.parametrize("stride", [13, EVERY])
@pytest.mark.parametrize("name", WORKS)
def test_a_process_may_die_at_any_step_of_a_pass_on_postgresql(
    on_postgresql: RealDatabase, name: str, stride: int
) -> None:
    step = min(2, stride)
    while asyncio.run(die_on(on_postgresql, name, step)):
        step += stride
    assert step > 60


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
