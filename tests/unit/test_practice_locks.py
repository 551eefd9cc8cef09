"""LockTables of several workstations: who has one, for how long that is proved, and who waits."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest

from companion.adapters.database.fencing import TokenFencing, current_lock
from companion.adapters.database.lock_table import HELD_SECONDS
from companion.adapters.database.named_locks import RENEW_EVERY, PracticeLocks
from companion.domain.errors import Busy
from companion.domain.practice_errors import DatabaseAway, Overtaken
from tests.fakes.clock import FakeClock
from tests.fakes.lock_table import MemoryLockTable

MIRA = "sync-mira"


class Computer:
    def __init__(self, table: MemoryLockTable) -> None:
        self.table = table
        self.locks = PracticeLocks(table, clock=table.clock, steady=table.clock.monotonic)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(auto=False)


@pytest.fixture
def desk(clock: FakeClock) -> Computer:
    return Computer(MemoryLockTable("desk", clock))


@pytest.fixture
def office(desk: Computer) -> Computer:
    return Computer(desk.table.of("office"))


async def test_a_lock_is_renewed_for_as_long_as_it_is_held(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    async with desk.locks.hold(MIRA):
        for _ in range(60):
            await clock.advance(1)
            await desk.locks.ensure()
            assert await office.table.take(MIRA, 0) is None
    assert await office.table.take(MIRA, 0) is not None


async def self_held(computer: Computer, name: str, patience: float | None = None) -> bool:
    async with computer.locks.hold(name, patience=patience) as lock:
        return lock.abandoned


async def told_in_vain(computer: Computer, clock: FakeClock) -> str:
    """What it is told that has waited as long as anybody does."""
    waiting = asyncio.create_task(self_held(computer, MIRA))
    await clock.advance(6)
    with pytest.raises(Busy) as told:
        await waiting
    return str(told.value)


async def test_who_waits_in_vain_is_told_who_has_it(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    async with desk.locks.hold(MIRA):
        told = await told_in_vain(office, clock)
        assert "The workstation Desk is working on this right now" in told
        assert await office.locks.holder(MIRA) == "desk"
    assert await office.locks.holder(MIRA) == ""


async def test_after_a_restart_nobody_is_told_to_wait_for_another_workstation(
    desk: Computer, clock: FakeClock
) -> None:
    assert await desk.table.take(MIRA, 0)  # the process before
    told = await told_in_vain(desk, clock)
    assert re.search(r"This workstation .* was interrupted a moment ago.*some seconds", told)


async def test_who_waits_for_the_same_window_is_not_told_of_an_interruption(
    desk: Computer, clock: FakeClock
) -> None:
    async with desk.locks.hold(MIRA):
        told = await told_in_vain(desk, clock)
        assert told.startswith("This workstation is working on this right now")


async def test_who_waits_goes_on_as_soon_as_it_is_given_back(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    async with desk.locks.hold(MIRA):
        waiting = asyncio.create_task(self_held(office, MIRA, patience=600))
        await clock.advance(120)
        assert not waiting.done()
    await clock.advance(1)
    assert await waiting is False


async def test_a_lock_that_could_not_be_renewed_is_proved_no_more(
    desk: Computer, clock: FakeClock
) -> None:
    async with desk.locks.hold(MIRA):
        desk.table.away = True
        await clock.advance(4)
        await desk.locks.ensure()  # proved a moment ago
        await clock.advance(HELD_SECONDS - 5)
        with pytest.raises(DatabaseAway):
            await desk.locks.ensure()
        desk.table.away = False
        await desk.locks.ensure()  # nobody has taken it


async def test_one_that_was_halted_learns_that_its_lock_is_anothers(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    async with desk.locks.hold(MIRA):
        desk.table.rows[MIRA].until = 0  # it was halted for long
        taken = await office.table.take(MIRA, 0)
        assert taken is not None
        assert taken.abandoned
        await clock.advance(RENEW_EVERY)
        with pytest.raises(Overtaken):
            await desk.locks.ensure()
    assert desk.table.rows[MIRA].workstation == "office"


async def test_a_wait_that_is_cancelled_while_it_is_granted_keeps_nothing(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    waiting = asyncio.create_task(self_held(desk, MIRA))
    await asyncio.sleep(0)
    waiting.cancel()
    await clock.advance(1)
    assert waiting.cancelled()
    assert not await self_held(office, MIRA)


async def call_that_hangs(computer: Computer) -> asyncio.Future[None]:
    """Made while it held the lock, which it has left."""
    call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with computer.locks.hold(MIRA):
        assert computer.locks.hold_for(call)
    return call


async def is_held_until_it_ends(
    call: asyncio.Future[None], office: Computer, clock: FakeClock
) -> None:
    await clock.advance(3 * HELD_SECONDS)
    assert await office.table.take(MIRA, 0) is None
    call.set_result(None)
    await clock.advance(1)
    assert await office.table.take(MIRA, 0) is not None


async def test_nobody_else_has_the_lock_before_the_last_call_of_it_has_ended(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    await is_held_until_it_ends(await call_that_hangs(desk), office, clock)


async def test_the_same_process_goes_on_while_its_call_has_not_ended(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    call = await call_that_hangs(desk)
    async with desk.locks.hold(MIRA) as lock:
        assert not lock.abandoned
        call.set_result(None)
        await clock.advance(HELD_SECONDS)
        assert await office.table.take(MIRA, 0) is None
    assert await office.table.take(MIRA, 0) is not None


@pytest.mark.parametrize("stopped", ["while it holds the lock", "while it is granted"])
async def test_a_call_is_waited_for_also_after_the_lock_was_taken_again_and_left(
    desk: Computer, office: Computer, clock: FakeClock, stopped: str
) -> None:
    """Stop, Upload and Stop, during one call that hangs."""
    call = await call_that_hangs(desk)
    again = asyncio.create_task(held_for(desk, MIRA, clock))
    await (asyncio.sleep(0) if stopped == "while it is granted" else clock.advance(1))
    again.cancel()
    await is_held_until_it_ends(call, office, clock)


async def test_what_is_being_written_is_waited_for_before_the_lock_is_given_back(
    desk: Computer, office: Computer, clock: FakeClock
) -> None:
    written = asyncio.Event()

    async def write() -> None:
        async with TokenFencing().writing("mira"):
            await written.wait()

    async def work() -> None:
        async with desk.locks.hold(MIRA):
            asyncio.create_task(write())  # noqa: RUF006 - as a shielded one whose pass was cancelled
            await asyncio.sleep(0)

    working = asyncio.create_task(work())
    await clock.advance(1)
    assert await office.table.take(MIRA, 0) is None
    written.set()
    await clock.advance(0)
    await working
    assert await office.table.take(MIRA, 0) is not None


async def test_a_lock_within_another_gives_way_to_it_again(desk: Computer) -> None:
    names: list[str] = []

    def now() -> None:
        lock = current_lock.get()
        names.append(lock.name if lock else "")

    async with desk.locks.hold("connect-mira"):
        async with desk.locks.hold(MIRA):
            now()
        now()
    now()
    assert names == [MIRA, "connect-mira", ""]


@pytest.mark.parametrize("name", ["sync-omar", "connect-mira", ""])
async def test_a_ledger_is_written_in_its_practitioners_lock_only(
    desk: Computer, name: str
) -> None:
    async def write() -> None:
        lock = desk.locks.hold(name) if name else contextlib.nullcontext()
        async with lock, TokenFencing().writing("mira"):
            pytest.fail("written")

    with pytest.raises(Busy):
        await write()


async def test_locks_cost_a_question_in_four_seconds_however_many_are_held(
    desk: Computer, clock: FakeClock
) -> None:
    async with asyncio.TaskGroup() as group:
        begun: list[asyncio.Task[None]] = [
            group.create_task(held_for(desk, f"sync-{number}", clock)) for number in range(50)
        ]
        await clock.advance(0)
        before = desk.table.asked
        await clock.advance(40)
        assert desk.table.asked - before == 10
        for each in begun:
            each.cancel()


async def held_for(computer: Computer, name: str, clock: FakeClock) -> None:
    async with computer.locks.hold(name):
        await clock.sleep(1000)


async def test_at_the_end_a_lock_whose_work_is_just_ending_is_given_back_all_the_same(
    desk: Computer, clock: FakeClock
) -> None:
    """Such as of a pass that has been cancelled and notes how far it came."""

    async def pass_that_notes() -> None:
        async with desk.locks.hold(MIRA):
            try:
                await clock.sleep(60)
            finally:
                await clock.sleep(0.3)

    ending = asyncio.create_task(pass_that_notes())
    await clock.advance(1)
    ending.cancel()
    await clock.advance(0.1)
    closing = asyncio.create_task(held_after_closing(desk))
    await clock.advance(1)
    assert not await closing


async def test_at_the_end_work_that_does_not_end_is_not_waited_for(
    desk: Computer, clock: FakeClock
) -> None:
    async with desk.locks.hold(MIRA):
        closing = asyncio.create_task(held_after_closing(desk))
        await clock.advance(1)
        assert closing.done()
        assert await closing


async def held_after_closing(computer: Computer) -> bool:
    """The process ends right then."""
    await computer.locks.close()
    return bool(computer.table.rows[MIRA].workstation)
