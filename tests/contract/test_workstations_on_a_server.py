"""The workstations of a practice, as each of them sees them in the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import URL

from companion.adapters.clock import SystemClock
from companion.adapters.database.own_connection import connect_alone
from companion.adapters.database.own_session import OwnSession
from companion.adapters.database.workstations import PracticeWorkstations
from companion.domain.errors import Busy, NotFound
from companion.services.ports import Workstation
from tests.fakes.practice_database import practice_server

pytestmark = pytest.mark.postgresql
Open = Callable[..., PracticeWorkstations]


@pytest.fixture
async def address() -> AsyncIterator[URL]:
    with practice_server().new_database() as url:
        yield url


@pytest.fixture
async def opened(address: URL) -> AsyncIterator[Open]:
    sessions: list[OwnSession] = []

    def computer(workstation_id: str, name: str, ahead: float = 0) -> PracticeWorkstations:
        sessions.append(OwnSession(address, name=workstation_id))
        return PracticeWorkstations(
            sessions[-1],
            workstation_id,
            name=name,
            version="1.2.3",
            clock=SystemClock(),
            wall_clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead),
        )

    yield computer
    for each in sessions:
        each.close()


@contextlib.asynccontextmanager
async def on(computer: PracticeWorkstations, feed: str = "") -> AsyncIterator[None]:
    task = asyncio.create_task(computer.stay_on(lambda: feed))
    async with asyncio.timeout(30):
        while computer.this_one not in await ids_on(computer):  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.02)
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def ids_on(computer: PracticeWorkstations) -> set[str]:
    return {each.id for each in await found(computer) if each.on}


async def found(computer: PracticeWorkstations) -> list[Workstation]:
    return list(await computer.workstations())


def execute(address: URL, statement: bytes) -> None:
    with connect_alone(address, name="the test") as connection:
        connection.execute(statement)


async def test_who_is_on_is_seen_by_all_in_the_order_of_their_names(opened: Open) -> None:
    desk, office = opened("1", "front desk"), opened("2", "Back office")
    async with on(desk, "192.168.1.20:8090"), on(office):
        seen = await found(office)
        assert [(each.id, each.name) for each in seen] == [
            ("2", "Back office"),
            ("1", "front desk"),
        ]
        assert all(each.on and each.version == "1.2.3" for each in seen)
        assert seen[1].feed_address == "192.168.1.20:8090"
        assert seen[1].since is not None
        assert not any(each.keeps_calendars for each in seen)
    assert [(each.on, each.since) for each in await found(desk)] == [(False, None)] * 2


async def test_one_that_was_not_seen_for_long_is_off(opened: Open, address: URL) -> None:
    desk = opened("1", "Desk")
    async with on(desk):
        execute(address, b"UPDATE workstations SET seen_at = seen_at - interval '21 s'")
        (seen,) = await found(desk)
        assert not seen.on
        assert seen.since is None


async def test_each_writes_how_far_its_clock_is_ahead(opened: Open) -> None:
    desk, office = opened("1", "Desk", ahead=90), opened("2", "Office", ahead=-3600)
    async with on(desk), on(office):
        ahead = [each.clock_ahead.total_seconds() for each in await found(desk)]
    assert ahead == pytest.approx([90, -3600], abs=2)


async def test_who_holds_the_lease_keeps_the_calendars(opened: Open, address: URL) -> None:
    desk = opened("1", "Desk")
    async with on(desk):
        execute(
            address,
            b"INSERT INTO lease SELECT 1, 4, '1', at - interval '1 h', at, false, '' "
            b"FROM timezone('UTC', clock_timestamp()) AS at",
        )
        (seen,) = await found(desk)
        assert seen.keeps_calendars
        assert seen.since is not None
        assert seen.seen_at - seen.since > timedelta(minutes=59)
        execute(address, b"UPDATE lease SET renewed_at = renewed_at - interval '1 min'")
        (seen,) = await found(desk)
        assert not seen.keeps_calendars


async def test_whom_a_person_lets_keep_them_is_wanted_unless_it_does(
    opened: Open, address: URL
) -> None:
    desk, office = opened("1", "Desk"), opened("2", "Office")
    async with on(desk), on(office):
        for wanted, kept_by, left in (("2", "", "2"), ("1", "", "1"), ("1", "1", "")):
            await office.let_keep("1")
            execute(
                address,
                b"UPDATE lease SET released = false, workstation_id = '%s'" % kept_by.encode(),
            )
            await office.let_keep(wanted)
            with connect_alone(address, name="the test") as connection:
                row = connection.execute("SELECT wanted_by FROM lease").fetchone()
            assert row == (left,)
    with pytest.raises(NotFound):
        await desk.let_keep("3")


async def test_only_one_that_is_off_can_be_forgotten(opened: Open) -> None:
    desk, office = opened("1", "Desk"), opened("2", "Office")
    async with on(office):
        async with on(desk):
            with pytest.raises(Busy):
                await office.forget("1")
        await office.forget("1")
        assert [each.id for each in await found(office)] == ["2"]
        with pytest.raises(NotFound):
            await office.forget("1")


async def test_a_name_that_was_given_stays(opened: Open) -> None:
    desk = opened("1", "PC-0815")
    async with on(desk):
        await desk.rename("1", "Front desk")
    async with on(desk):
        assert [each.name for each in await found(desk)] == ["Front desk"]
    with pytest.raises(NotFound):
        await desk.rename("2", "Nobody")
