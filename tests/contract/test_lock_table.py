"""The rows by which workstations lock a name: those in memory and those of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.dedicated_session import DedicatedSession
from companion.adapters.database.lock_table import (
    HELD_SECONDS,
    LockHolder,
    LockTable,
    PostgresLockTable,
    RenewedLocks,
    TakenLock,
)
from tests.fakes.clock import FakeClock
from tests.fakes.lock_table import MemoryLockTable
from tests.fakes.practice_database import practice_server

KINDS = ("memory", pytest.param("postgresql", marks=pytest.mark.postgresql))
MIRA = "sync-mira"


class LockTables:
    def __init__(
        self, desk: LockTable, office: LockTable, pass_by: Callable[[float], None]
    ) -> None:
        self.desk, self.office = desk, office
        self.pass_by = pass_by
        """Seconds, for the rows."""


@pytest.fixture(params=KINDS)
async def locks(request: pytest.FixtureRequest) -> AsyncIterator[LockTables]:
    if request.param == "memory":
        clock = FakeClock()
        memory = MemoryLockTable("desk", clock)
        yield LockTables(memory, memory.of("office"), clock.shift)
        return
    with practice_server().new_database() as url, connect_dedicated(url, name="test") as connection:
        connection.execute(
            "INSERT INTO workstations SELECT name, initcap(name), '1', now(), now(), now(), '', 0 "
            "FROM unnest(ARRAY['desk', 'office']) AS w(name)"
        )
        sessions = [DedicatedSession(url, name=name) for name in ("desk", "office")]
        desk, office = (
            PostgresLockTable(session, name)
            for session, name in zip(sessions, ("desk", "office"), strict=True)
        )

        def pass_by(seconds: float) -> None:
            connection.execute("UPDATE turns SET until = until - interval '1 s' * %s", [seconds])

        yield LockTables(desk, office, pass_by)
        for session in sessions:
            session.close()


def taken_of(found: TakenLock | None) -> TakenLock:
    assert found is not None
    return found


async def test_a_lock_is_one_workstations_until_it_gives_it_back(locks: LockTables) -> None:
    taken = taken_of(await locks.desk.take(MIRA, 0))
    assert not taken.abandoned
    assert await locks.office.take(MIRA, 0) is None
    assert await locks.desk.take(MIRA, 0) is None  # nor another process of the same one
    assert await locks.office.take("sync-omar", 0) is not None
    await locks.desk.release(MIRA, taken.token)
    after = taken_of(await locks.office.take(MIRA, 0))
    assert after.token > taken.token
    assert not after.abandoned


async def test_a_lock_whose_time_is_over_is_taken_as_an_abandoned_one(
    locks: LockTables,
) -> None:
    taken = await locks.desk.take(MIRA, 0)
    locks.pass_by(HELD_SECONDS - 5)
    assert await locks.office.take(MIRA, 0) is None
    locks.pass_by(6)
    after = await locks.office.take(MIRA, 0)
    assert taken is not None
    assert after is not None
    assert after.token > taken.token
    assert after.abandoned
    await locks.desk.release(MIRA, taken.token)  # too late to matter
    assert await locks.desk.take(MIRA, 0) is None


async def test_a_lock_that_is_renewed_goes_on(locks: LockTables) -> None:
    taken = taken_of(await locks.desk.take(MIRA, 0))
    locks.pass_by(HELD_SECONDS - 2)
    kept = await locks.desk.renew([(MIRA, taken.token)])
    assert kept == RenewedLocks(kept=frozenset({MIRA}))
    locks.pass_by(HELD_SECONDS - 2)
    assert await locks.office.take(MIRA, 0) is None


async def test_of_several_locks_those_that_were_lost_are_named(locks: LockTables) -> None:
    mira, omar = await locks.desk.take(MIRA, 0), await locks.desk.take("sync-omar", 0)
    assert mira is not None
    assert omar is not None
    locks.pass_by(HELD_SECONDS + 1)
    assert await locks.office.take(MIRA, 0) is not None
    found = await locks.desk.renew([(MIRA, mira.token), ("sync-omar", omar.token)])
    assert found == RenewedLocks(kept=frozenset({"sync-omar"}), lost=frozenset({MIRA}))


async def test_a_lock_may_be_taken_again_under_its_own_token(locks: LockTables) -> None:
    taken = taken_of(await locks.desk.take(MIRA, 0))
    again = taken_of(await locks.desk.take(MIRA, taken.token))
    assert again.token == taken.token + 1
    assert not again.abandoned
    assert await locks.desk.take(MIRA, taken.token) is None


async def test_a_lock_that_was_anothers_by_then_is_known_to_be_abandoned(locks: LockTables) -> None:
    taken = await locks.desk.take(MIRA, 0)
    locks.pass_by(HELD_SECONDS + 1)
    assert await locks.office.take(MIRA, 0) is not None
    locks.pass_by(HELD_SECONDS + 1)
    assert taken is not None
    again = taken_of(await locks.desk.take(MIRA, taken.token))
    assert again.abandoned


async def test_who_has_a_lock_is_told(locks: LockTables) -> None:
    assert await locks.office.holder(MIRA) is None
    taken = taken_of(await locks.desk.take(MIRA, 0))
    assert await locks.office.holder(MIRA) == LockHolder("desk", "Desk")
    await locks.desk.release(MIRA, taken.token)
    assert await locks.office.holder(MIRA) is None
