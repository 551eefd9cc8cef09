"""What belongs to whoever keeps the calendars runs while this computer does."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from companion.services.changes import Publisher
from companion.services.lease_work import LeaseWork
from companion.services.ports import AlwaysHeld


class FakeLease(Publisher[bool]):
    def __init__(self) -> None:
        super().__init__()
        self.held = False
        self.given_up = asyncio.Event()

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.held = False
            self.given_up.set()

    def turn(self, held: bool) -> None:
        self.held = held
        self.publish(held)


class Work:
    def __init__(self) -> None:
        self.begun = 0
        self.running = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def run(self) -> None:
        self.begun += 1
        self.running += 1
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_end.wait()
            self.running -= 1


async def quiet() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def lease() -> FakeLease:
    return FakeLease()


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_work_begins_and_ends_with_the_lease(lease: FakeLease) -> None:
    work = Work()
    task = asyncio.create_task(LeaseWork(lease, {"worker": work.run}).run())
    await quiet()
    assert work.begun == 0
    for times in (1, 2):
        lease.turn(True)
        await quiet()
        assert (work.begun, work.running) == (times, 1)
        lease.turn(False)
        await quiet()
        assert work.running == 0
    await stop(task)


async def test_nothing_begins_again_before_what_was_has_ended(lease: FakeLease) -> None:
    work = Work()
    task = asyncio.create_task(LeaseWork(lease, {"worker": work.run}).run())
    lease.turn(True)
    await quiet()
    work.may_end.clear()
    lease.turn(False)
    await quiet()
    lease.turn(True)
    await quiet()
    assert (work.begun, work.running) == (1, 1)
    work.may_end.set()
    await quiet()
    assert (work.begun, work.running) == (2, 1)
    await stop(task)


async def test_at_the_end_the_work_stops_first_and_then_the_lease_is_given_up(
    lease: FakeLease,
) -> None:
    work = Work()
    task = asyncio.create_task(LeaseWork(lease, {"worker": work.run}).run())
    await quiet()
    lease.turn(True)
    await quiet()
    work.may_end.clear()
    task.cancel()
    await quiet()
    assert not lease.given_up.is_set()
    work.may_end.set()
    await quiet()
    assert lease.given_up.is_set()
    await stop(task)


async def test_a_home_of_its_own_works_from_the_start() -> None:
    work = Work()
    task = asyncio.create_task(LeaseWork(AlwaysHeld(), {"worker": work.run}).run())
    await quiet()
    assert work.running == 1
    await stop(task)
    assert work.running == 0


async def test_a_lease_that_fails_ends_the_work_and_is_no_secret(lease: FakeLease) -> None:
    work = Work()
    failing = asyncio.Event()

    async def fail() -> None:
        await failing.wait()
        lease.held = False
        raise ZeroDivisionError

    lease.run = fail  # type: ignore[method-assign] # an internal error in it
    task = asyncio.create_task(LeaseWork(lease, {"worker": work.run}).run())
    lease.turn(True)
    await quiet()
    assert work.running == 1
    failing.set()
    with pytest.raises(ZeroDivisionError):
        await task
    assert work.running == 0
