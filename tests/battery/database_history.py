"""Histories whose book, ledger and activity lie in a real database.

Slower than the stores in memory (a millisecond a step on PostgreSQL), and honest about what those
may miss: transactions, types, what waits for whom. One process; several on one practice are
`tests/battery/workstations.py`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, create_engine, delete, insert, make_url, select

from companion.adapters.database import open_database
from companion.adapters.database.appointments import COLUMNS, appointment_of
from companion.adapters.database.coordination import Coordination
from companion.adapters.database.database import Database
from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.database.schema import (
    appointments,
    ledger,
    metadata,
    sync_state,
)
from companion.domain.appointments import Appointment
from companion.domain.errors import CompanionError
from companion.services.changes import Changes
from companion.services.ports import Clock
from tests.battery.calendars import Crash
from tests.battery.histories import Failure, History
from tests.battery.world import World

Rows = dict[str, list[dict[str, Any]]]
"""By table."""


class Underway:
    """How many calls have not been answered yet."""

    def __init__(self) -> None:
        self.calls = 0

    def __bool__(self) -> bool:
        return self.calls > 0

    def __enter__(self) -> None:
        self.calls += 1

    def __exit__(self, *_error: object) -> None:
        self.calls -= 1


class Awaited:
    """A store, or the table of locks, during whose calls virtual time stands still."""

    def __init__(self, inner: Any, underway: Underway) -> None:
        self._inner, self._underway = inner, underway

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*positional: Any, **named: Any) -> Any:
            with self._underway:
                return await found(*positional, **named)

        return call


class RealDatabase:
    """One that is there already, with our tables: emptied for each history."""

    def __init__(self, url: URL | str, *, shared: bool = False) -> None:
        """`shared`: a practice's, where turns are taken and fenced."""
        self.url = make_url(url)
        self.shared = shared
        self.engine = create_engine(url)
        self.empty = self.copied()

    def together(self, clock: Clock) -> Coordination | None:
        if not self.shared:
            return None
        return Coordination(self.url, "desk", version="1", clock=clock)

    def opened(self, clock: Clock, changes: Changes, together: Coordination | None) -> Database:
        """As the program does it."""
        if together is None:
            return open_database(str(self.url), clock, changes=changes)
        return open_practice_database(self.url, clock, changes=changes, fencing=together.fencing)

    def copied(self) -> Rows:
        with self.engine.connect() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in metadata.sorted_tables
            }

    def put_back(self, rows: Rows) -> None:
        with self.engine.begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(delete(table))
                if rows[table.name]:
                    connection.execute(insert(table), rows[table.name])

    def close(self) -> None:
        self.engine.dispose()


class DatabaseStores:
    """Named as in `MemoryStores`, with what a history looks at and puts back."""

    def __init__(self, place: RealDatabase, database: Any, underway: Underway) -> None:
        self.place = place
        self.book = Awaited(database.book, underway)
        self.ledger = Awaited(database.ledger, underway)
        self.feeds = Awaited(database.feeds, underway)
        self.activity = Awaited(database.activity, underway)

    @property
    def kept(self) -> Mapping[str, Appointment]:
        with self.place.engine.connect() as connection:
            return _kept(connection)

    def copied(self) -> Rows:
        return self.place.copied()

    def put_back(self, copied: Rows) -> DatabaseStores:
        self.place.put_back(copied)
        return self

    def lose_ledger(self, *, states: bool) -> None:
        with self.place.engine.begin() as connection:
            connection.execute(delete(ledger))
            if states:
                connection.execute(delete(sync_state))


def _kept(connection: Connection) -> dict[str, Appointment]:
    query = select(*COLUMNS).order_by(appointments.c.id)
    return {each.id: each for each in map(appointment_of, connection.execute(query))}


class Housed:
    """A world whose stores, and turns where it is a practice's, are those of a database."""

    def __init__(self, world: World, place: RealDatabase) -> None:
        """It is emptied before. On the event loop."""
        place.put_back(place.empty)
        underway = Underway()
        world.clock.waits_for = underway.__bool__
        self._together = place.together(world.clock)
        self._database = place.opened(world.clock, world.changes, self._together)
        stores = DatabaseStores(place, self._database, underway)
        world.stores = stores  # type: ignore[assignment] # the same, but real
        if self._together is not None:
            locks = self._together.locks
            locks._table = Awaited(locks._table, underway)  # its pauses take virtual time
            world.locks = locks
        world.restart()

    async def close(self) -> None:
        if self._together is not None:
            await self._together.close()
        await self._database.close()


class DatabaseHistory(History):
    def __init__(self, seed: int, place: RealDatabase, *, rate: float | None = None) -> None:
        super().__init__(seed, rate=rate)
        self.housed = Housed(self.world, place)

    async def play_whole(self, operations: int) -> None:
        try:
            await self.play(operations)
            await self.converge()
        finally:
            await self.housed.close()


def play(
    seed: int, place: RealDatabase, operations: int = 14, *, rate: float | None = None
) -> DatabaseHistory:
    """As `histories.play`."""
    history: list[DatabaseHistory] = []

    async def whole() -> None:
        history.append(DatabaseHistory(seed, place, rate=rate))
        await history[0].play_whole(operations)

    try:
        asyncio.run(whole())
    except (AssertionError, CompanionError, Crash) as error:
        log = "\n".join(history[0].log) if history else ""
        raise Failure(f"history {seed} failed: {error}\n{log}") from error
    return history[0]
