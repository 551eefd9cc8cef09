"""The lease on a real server: sessions that end, hang, are cut off, and a server that restarts.

Everything goes six times as fast as in the product.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest
from sqlalchemy import URL

from companion.adapters.clock import SystemClock
from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.lease import SessionLease
from companion.adapters.database.lease_session import LEASE, LeaseTiming, PostgresLeaseSession
from companion.domain.practice_errors import DatabaseAway
from tests.fakes.cables import Cable, cable_to
from tests.fakes.practice_database import practice_server

pytestmark = pytest.mark.postgresql
FAST = LeaseTiming(lease=2.5, renew=0.3, seek=0.2, retry=0.1, hand_over=0.2)
LONG = 30.0
"""Seconds after which a test gives up waiting."""


@pytest.fixture
def cable(address: URL) -> Iterator[Cable]:
    with cable_to(address.port or 0) as cable:
        yield cable


class Computer:
    def __init__(self, url: URL, name: str) -> None:
        self.name = name
        self.lease = SessionLease(
            lambda: PostgresLeaseSession(url, name, FAST), clock=SystemClock(), timing=FAST
        )
        self.told: list[tuple[float, bool]] = []
        self.lease.subscribe(lambda held: self.told.append((time.monotonic(), held)))
        self.task = asyncio.create_task(self.lease.run())

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


Start = Callable[..., Awaitable[Computer]]


@pytest.fixture
async def start(address: URL) -> AsyncIterator[Start]:
    made: list[Computer] = []

    async def computer(name: str, through: Cable | None = None) -> Computer:
        url = address if through is None else address.set(port=through.port)
        made.append(Computer(url, name))
        return made[-1]

    yield computer
    for each in made:
        await each.stop()


async def until(holds: Callable[[], bool], *watched: Computer) -> None:
    """Wait for it; at no moment do two of the `watched` hold the lease."""
    async with asyncio.timeout(LONG):
        while not holds():
            assert sum(each.lease.held for each in watched) <= 1
            await asyncio.sleep(0.01)


async def holder_of_three(start: Start) -> tuple[Computer, list[Computer]]:
    three = [await start(name) for name in ("desk", "office", "second site")]
    await until(lambda: any(each.lease.held for each in three), *three)
    holder = next(each for each in three if each.lease.held)
    return holder, [each for each in three if each is not holder]


def end_session_of_the_holder(address: URL) -> int:
    with connect_dedicated(address, name="the test") as connection:
        return connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
            "AND objid = %s AND granted",
            [LEASE],
        ).rowcount


async def test_of_three_one_holds_it_and_one_follows_it_that_stops(start: Start) -> None:
    holder, others = await holder_of_three(start)
    await holder.stop()
    await until(lambda: any(each.told for each in others), *others)
    assert [held for _, held in holder.told] == [True, False]
    assert sum(len(each.told) for each in others) == 1


async def test_one_that_stopped_may_seek_it_again(start: Start) -> None:
    desk = await start("desk")
    await until(lambda: desk.lease.held)
    await desk.stop()
    desk.task = asyncio.create_task(desk.lease.run())
    await until(lambda: desk.lease.held)


async def test_a_session_that_is_ended_is_followed_by_one_and_never_two_hold_it(
    start: Start, address: URL
) -> None:
    holder, others = await holder_of_three(start)
    for _ in range(2):
        assert await asyncio.to_thread(end_session_of_the_holder, address) == 1
        three = [holder, *others]
        await until(lambda: not holder.lease.held, *three)  # noqa: B023 - awaited here
        await until(lambda: any(each.lease.held for each in three), *three)  # noqa: B023
        holder = next(each for each in three if each.lease.held)
        others = [each for each in three if each is not holder]


async def test_a_cable_that_is_pulled_out_ends_it_though_nothing_is_closed(
    start: Start, cable: Cable
) -> None:
    desk = await start("desk", cable)
    await until(lambda: desk.lease.held)
    office = await start("office")
    cable.pull_out()
    await until(lambda: office.lease.held, desk, office)
    await until(lambda: bool(office.told))
    assert [held for _, held in desk.told] == [True, False]
    assert desk.told[-1][0] < office.told[-1][0]
    cable.plug_in()
    await asyncio.sleep(FAST.lease)
    assert not desk.lease.held
    assert office.lease.held


async def test_a_server_that_restarts_is_a_pause(start: Start) -> None:
    holder, others = await holder_of_three(start)
    server = practice_server().server
    server.process.stop(signal.SIGQUIT)
    await until(lambda: not holder.lease.held)
    server.process.start()
    three = [holder, *others]
    await until(lambda: any(each.lease.held for each in three), *three)


async def test_a_process_that_was_halted_longer_than_the_lease_holds_nothing(
    start: Start, address: URL
) -> None:
    script = (
        "import asyncio, sys\n"
        "from sqlalchemy import make_url\n"
        "from tests.contract.test_lease_on_a_server import Computer\n"
        "async def main():\n"
        "    desk = Computer(make_url(sys.argv[1]), 'desk')\n"
        "    before = None\n"
        "    while True:\n"
        "        if desk.lease.held is not before:\n"
        "            before = desk.lease.held\n"
        "            print(before, flush=True)\n"
        "        await asyncio.sleep(0.01)\n"
        "asyncio.run(main())\n"
    )
    url = address.render_as_string(hide_password=False)
    desk = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, url, stdout=subprocess.PIPE, env={**os.environ}
    )
    assert desk.stdout is not None
    try:
        async with asyncio.timeout(LONG):
            while await desk.stdout.readline() != b"True\n":
                pass
            office = await start("office")
            desk.send_signal(signal.SIGSTOP)
            await until(lambda: office.lease.held)
            desk.send_signal(signal.SIGCONT)
            assert await desk.stdout.readline() == b"False\n"
        assert office.lease.held
    finally:
        desk.kill()
        await desk.wait()


async def test_the_one_that_a_person_wants_takes_it_and_keeps_it(
    start: Start, address: URL
) -> None:
    with connect_dedicated(address, name="the test") as connection:
        for name in ("desk", "office", "second site"):
            connection.execute(
                "INSERT INTO workstations VALUES (%s, %s, '1', now(), now(), "
                "now() + interval '1 h', '', 0)",
                [name, name],
            )
        holder, others = await holder_of_three(start)
        wanted = others[-1]
        connection.execute("UPDATE lease SET wanted_by = %s", [wanted.name])
        three = [holder, *others]
        await until(lambda: wanted.lease.held, *three)
        row = connection.execute("SELECT workstation_id, wanted_by FROM lease").fetchone()
        assert row == (wanted.name, "")
        await asyncio.sleep(4 * FAST.renew)
        assert wanted.lease.held


async def test_a_wanted_one_that_is_off_takes_nothing_away(start: Start, address: URL) -> None:
    desk = await start("desk")
    await until(lambda: desk.lease.held)
    with connect_dedicated(address, name="the test") as connection:
        connection.execute("UPDATE lease SET wanted_by = 'office'")
        await asyncio.sleep(3 * FAST.renew)
        assert desk.lease.held
        await desk.stop()
        again = await start("second site")
        await until(lambda: again.lease.held)
        row = connection.execute("SELECT wanted_by FROM lease").fetchone()
        assert row == ("office",)  # for when it is on


def test_no_statement_is_waited_for_for_ever(address: URL, cable: Cable) -> None:
    connection = connect_dedicated(address.set(port=cable.port), name="the test")
    cable.pull_out()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_a_server_that_is_not_there_is_away(address: URL, cable: Cable) -> None:
    cable.refuse(True)
    with pytest.raises(DatabaseAway):
        connect_dedicated(address.set(port=cable.port), name="the test")
