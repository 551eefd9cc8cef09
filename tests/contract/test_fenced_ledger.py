"""On a server: whoever was overtaken writes nothing to the ledger any more, and takers wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import URL

from companion.adapters.clock import SystemClock
from companion.adapters.database.database import Database
from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.dedicated_session import DedicatedSession
from companion.adapters.database.fencing import TokenFencing
from companion.adapters.database.lock_table import PostgresLockTable
from companion.adapters.database.named_locks import PracticeLocks
from companion.adapters.database.opening_practice import open_practice_database
from companion.domain.appointments import Appointment
from companion.domain.errors import Busy
from companion.domain.practice_errors import Overtaken
from companion.domain.sync_state import SyncState
from companion.services.ports import BookChange
from companion.services.sync.snapshot import OwnedLock
from tests.battery.world import appointment
from tests.contract.test_ledger import MIRA, NOW, entry

pytestmark = pytest.mark.postgresql


@dataclass
class Computer:
    locks: PracticeLocks
    database: Database

    async def write(self, key: str) -> None:
        await self.database.ledger.write(MIRA, put=[entry(key)])

    async def book(self, *appointments: Appointment) -> None:
        await self.database.book.apply(BookChange(put=appointments), NOW)

    async def keys(self) -> list[str]:
        return sorted(each.key for each in await self.database.ledger.entries(MIRA))


Open = Callable[[str], Computer]


@pytest.fixture
async def computer(address: URL) -> AsyncIterator[Open]:
    sessions: list[DedicatedSession] = []
    databases: list[Database] = []

    def opened(name: str) -> Computer:
        sessions.append(DedicatedSession(address, name=name))
        databases.append(open_practice_database(address, SystemClock(), fencing=TokenFencing()))
        table = PostgresLockTable(sessions[-1], name)
        return Computer(PracticeLocks(table, clock=SystemClock()), databases[-1])

    yield opened
    for session in sessions:
        session.close()
    for database in databases:
        await database.close()


def expire(address: URL) -> None:
    """Every lock, as when nobody had renewed them for long."""
    with connect_dedicated(address, name="the test") as connection:
        connection.execute("UPDATE turns SET until = until - interval '1 h'")


async def test_what_is_written_under_a_lock_is_kept_and_outside_it_is_refused(
    computer: Open,
) -> None:
    desk = computer("desk")
    async with desk.locks.hold("sync-mira"):
        await desk.write("a")
        await desk.database.ledger.edit_state("mira", lambda state: replace(state, events=1))
    with pytest.raises(Busy):
        await desk.write("b")
    assert await desk.keys() == ["a"]
    assert (await desk.database.ledger.state("mira")).events == 1


async def test_whoever_was_overtaken_writes_nothing_but_its_doubts(
    computer: Open, address: URL
) -> None:
    desk, office = computer("desk"), computer("office")
    async with desk.locks.hold("sync-mira"):
        await desk.write("a")
        expire(address)
        async with overtaken_by(office) as lock:
            assert lock.abandoned
            with pytest.raises(Overtaken):
                await desk.write("b")
            with pytest.raises(Overtaken):
                await desk.database.ledger.edit_state("mira", lambda _: SyncState(events=9))
            await desk.database.ledger.edit_state(
                "mira", lambda state: state.doubted(["a"]), even_overtaken=True
            )
    assert await office.keys() == ["a", "by the other"]
    state = await office.database.ledger.state("mira")
    assert (state.events, state.audit_due, state.late_removals) == (0, True, frozenset("a"))


async def test_a_fetch_that_was_halted_writes_nothing_over_the_newer_answer_of_another(
    computer: Open, address: URL
) -> None:
    """It was halted after it had asked for its lock, right before its transaction."""
    desk, office = computer("desk"), computer("office")
    older, newer = (appointment(1, location=each) for each in ("Room 1", "Room 2"))
    async with desk.locks.hold("fetch-link"):
        await desk.book(appointment(2))
        await desk.locks.ensure()
        expire(address)

        async def fetches() -> None:
            async with office.locks.hold("fetch-link"):
                await office.book(newer)

        await asyncio.create_task(fetches(), context=Context())
        with pytest.raises(Overtaken):
            await desk.book(older)
    await desk.book(appointment(3))
    assert await office.database.book.count() == 3
    found = await desk.database.book.appointment("a1")
    assert found is not None
    assert found.location == "Room 2"


async def test_a_lock_is_renewed_while_a_long_import_is_written(
    computer: Open, address: URL
) -> None:
    desk = computer("desk")
    with connect_dedicated(address, name="the test") as other, other.transaction():
        other.execute("LOCK TABLE removed_appointments IN ACCESS EXCLUSIVE MODE")
        async with desk.locks.hold("fetch-link"):
            writing = asyncio.create_task(desk.book(appointment(1)))
            await _waits(address)
            expire(address)
            await desk.locks._renew([*desk.locks._held])
            assert await desk.locks.holder("fetch-link") == "desk"
            other.execute("COMMIT; BEGIN")
            await writing


@asynccontextmanager
async def overtaken_by(other: Computer) -> AsyncIterator[OwnedLock]:
    """A task of another process, as far as locks are concerned."""
    begun, over = asyncio.Queue[OwnedLock](), asyncio.Event()

    async def work() -> None:
        async with other.locks.hold("sync-mira") as lock:
            begun.put_nowait(lock)
            await over.wait()
            await other.write("by the other")

    working = asyncio.create_task(work(), context=Context())
    yield await begun.get()
    over.set()
    await working


async def test_a_lock_that_is_over_and_nobody_took_is_still_ones_own(
    computer: Open, address: URL
) -> None:
    desk = computer("desk")
    async with desk.locks.hold("sync-mira"):
        expire(address)
        await desk.write("a")
    assert await desk.keys() == ["a"]


async def test_what_comes_after_the_lock_was_given_back_is_refused(computer: Open) -> None:
    desk, late = computer("desk"), asyncio.Event()

    async def write_late() -> None:
        await late.wait()
        await desk.write("a")

    async with desk.locks.hold("sync-mira"):
        writing = asyncio.create_task(write_late())
        await asyncio.sleep(0)
    late.set()
    with pytest.raises(Busy):
        await writing
    assert await desk.keys() == []


async def test_whoever_takes_over_waits_for_the_write_under_way_and_reads_it(
    computer: Open, address: URL
) -> None:
    desk, office = computer("desk"), computer("office")
    with connect_dedicated(address, name="the test") as other, other.transaction():
        async with desk.locks.hold("sync-mira"):
            await desk.write("a")
            other.execute("SELECT FROM ledger FOR UPDATE")
            writing = asyncio.create_task(desk.write("a"))  # has its lock's row, waits for this one
            await _locked(address, "turns")
            expiring = asyncio.create_task(asyncio.to_thread(expire, address))
            await asyncio.sleep(0.1)
            assert not writing.done()
            assert not expiring.done()  # as anybody's who would take it
            other.execute("ROLLBACK")
            await writing
            await expiring
            async with overtaken_by(office):
                assert await office.keys() == ["a"]
                with pytest.raises(Overtaken):
                    await desk.write("b")


async def _locked(address: URL, table: str) -> None:
    with connect_dedicated(address, name="the test") as connection:
        async with asyncio.timeout(30):
            while not connection.execute(  # noqa: ASYNC110 - the server's
                "SELECT FROM pg_locks WHERE relation = %s::regclass AND mode = 'RowShareLock'",
                [table],
            ).rowcount:
                await asyncio.sleep(0.01)


async def _waits(address: URL) -> None:
    """Somebody waits for a lock."""
    with connect_dedicated(address, name="the test") as connection:
        async with asyncio.timeout(30):
            while not connection.execute(  # noqa: ASYNC110 - the server's
                "SELECT FROM pg_locks WHERE NOT granted"
            ).rowcount:
                await asyncio.sleep(0.01)
