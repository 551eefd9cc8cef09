"""The rules by which one workstation at a time keeps the calendars."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from companion.adapters.database.lease import SessionLease
from companion.adapters.database.lease_session import LeaseTiming
from tests.fakes.clock import FakeClock
from tests.fakes.lease import LeaseServer, inline

T = LeaseTiming()


class Computer:
    """One workstation that seeks the lease."""

    def __init__(self, server: LeaseServer, clock: FakeClock, name: str) -> None:
        self.server = server
        self.clock = clock
        self.slept = 0.0
        """Seconds that only `steady` has counted."""
        self.told: list[bool] = []
        self.stuck: asyncio.Event | None = None
        self.lease = SessionLease(
            lambda: server.session(name),
            clock=clock,
            steady=lambda: clock.monotonic() + self.slept,
            apart=self._apart,
        )
        self.lease.subscribe(self.told.append)
        self.task = asyncio.create_task(self.lease.run())

    async def _apart(self, work: Callable[[], Any]) -> Any:
        if self.stuck is not None:
            await self.stuck.wait()
        return await inline(work)

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


Computers = Callable[[str], Computer]
"""Another one by its name."""


def holds(computer: Computer) -> bool:
    return computer.lease.held


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(auto=False)


@pytest.fixture
async def computers(clock: FakeClock) -> AsyncIterator[Computers]:
    server, made = LeaseServer(), list[Computer]()

    def make(name: str) -> Computer:
        made.append(Computer(server, clock, name))
        return made[-1]

    yield make
    for each in made:
        await each.stop()


async def test_the_first_has_it_at_once_and_the_second_waits(
    clock: FakeClock, computers: Computers
) -> None:
    desk = computers("desk")
    await clock.advance(0)
    office = computers("office")
    await clock.advance(60)
    assert holds(desk)
    assert not holds(office)
    assert (desk.told, office.told) == ([True], [])


async def test_whoever_stops_in_order_hands_over_at_once(
    clock: FakeClock, computers: Computers
) -> None:
    desk, office = computers("desk"), computers("office")
    await clock.advance(10)
    await desk.stop()
    assert desk.told == [True, False]
    await clock.advance(2)
    assert holds(office)


async def test_after_a_death_the_next_waits_until_the_dead_ones_proof_is_over(
    clock: FakeClock, computers: Computers
) -> None:
    desk, office = computers("desk"), computers("office")
    await clock.advance(10)
    desk.server.kill(desk.server.sessions[0])
    await clock.advance(2)  # the session of the dead has the lock no more
    assert office.server.lock is office.server.sessions[1]
    assert not holds(office)
    await clock.advance(T.take_over)
    assert holds(office)


async def test_never_two_hold_it_where_a_session_was_ended_behind_the_holders_back(
    clock: FakeClock, computers: Computers
) -> None:
    desk, office = computers("desk"), computers("office")
    await clock.advance(10.5)
    desk.stuck = asyncio.Event()  # no answer reaches it, nor any error
    desk.server.kill(desk.server.sessions[0])
    seen = set()
    for _ in range(300):
        await clock.advance(0.1)
        seen.add((desk.lease.held, office.lease.held))
    assert (True, True) not in seen
    assert (True, False) in seen
    assert (False, True) in seen
    assert desk.told == [True, False]


async def test_a_proof_holds_from_before_its_question_was_sent(
    clock: FakeClock, computers: Computers
) -> None:
    desk = computers("desk")
    await clock.advance(1)
    desk.stuck = asyncio.Event()
    await clock.advance(T.renew + 5)  # asked, and the answer takes long
    answers, desk.stuck = desk.stuck, None
    answers.set()
    await clock.advance(0)
    desk.stuck = asyncio.Event()
    await clock.advance(T.lease - 6.5)
    assert holds(desk)
    await clock.advance(1)
    assert not holds(desk)


async def test_a_computer_that_slept_holds_nothing_when_it_wakes(
    clock: FakeClock, computers: Computers
) -> None:
    desk = computers("desk")
    await clock.advance(10)
    assert holds(desk)
    desk.slept = 8 * 3600.0
    assert not holds(desk)
    desk.stuck = asyncio.Event()  # its network is not back yet
    await clock.advance(1)
    assert desk.told == [True, False]


async def test_a_server_that_is_away_is_sought_until_it_is_back(
    clock: FakeClock, computers: Computers
) -> None:
    desk = computers("desk")
    await clock.advance(10)
    desk.server.away = True
    await clock.advance(T.renew)
    assert not holds(desk)
    await clock.advance(600)
    desk.server.lock = None  # it was started anew
    desk.server.away = False
    await clock.advance(2)
    assert holds(desk)  # nobody else has had it meanwhile
    assert desk.told == [True, False, True]


async def test_a_term_of_another_ends_it_though_the_lock_is_there(
    clock: FakeClock, computers: Computers
) -> None:
    desk = computers("desk")
    await clock.advance(10)
    desk.server.term += 1  # a database that was restored, say
    await clock.advance(T.renew)
    assert not holds(desk)


async def test_the_one_that_a_person_wants_gets_it(clock: FakeClock, computers: Computers) -> None:
    desk, office = computers("desk"), computers("office")
    await clock.advance(10)
    desk.server.wanted = "office"
    await clock.advance(T.renew)
    assert not holds(desk)
    assert not holds(office)  # what the desk had begun ends first
    await clock.advance(T.hand_over + 3)
    assert holds(office)
    await clock.advance(60)
    assert holds(office)
    assert not holds(desk)


async def test_a_computer_whose_end_comes_while_it_asks_gives_it_up_all_the_same(
    clock: FakeClock, computers: Computers
) -> None:
    desk = computers("desk")
    await clock.advance(T.renew - 1)
    assert holds(desk)
    await desk.stop()
    assert desk.server.released
    assert desk.server.lock is None


def test_a_take_over_is_in_time_by_the_sum_of_its_parts() -> None:
    answer = 4.0  # the longest that one statement is waited for
    killed = T.retry + T.seek + answer + T.take_over
    silent = T.lease + T.seek + answer + T.take_over
    assert killed < 30
    assert silent < 60
    assert T.seek + answer < 10  # given up in order
    assert T.renew + answer < T.lease  # one slow answer costs nothing
