"""The workstations of a practice, as each of them sees them in the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import URL

from companion.adapters.clock import SystemClock
from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.dedicated_session import DedicatedSession
from companion.adapters.database.postgres import engine_of
from companion.adapters.database.practice_row import add_workstation
from companion.adapters.database.workstations import PostgresWorkstations
from companion.domain.errors import Busy, NotFound
from companion.domain.practice_errors import WorkstationCopied, WorkstationForgotten
from companion.services.ports import Clock, Workstation
from tests.fakes.waiting import until

pytestmark = pytest.mark.postgresql
Open = Callable[..., PostgresWorkstations]


@pytest.fixture
async def opened(address: URL) -> AsyncIterator[Open]:
    sessions: list[DedicatedSession] = []
    engine = engine_of(address, 1)

    def computer(
        workstation_id: str, name: str, ahead: float = 0, clock: Clock | None = None
    ) -> PostgresWorkstations:
        """Of the same id: an app on a copy of the data folder."""
        with engine.begin() as connection:
            add_workstation(connection, workstation_id, name, "1.2.3")
        sessions.append(DedicatedSession(address, name=workstation_id))
        return PostgresWorkstations(
            sessions[-1],
            workstation_id,
            version="1.2.3",
            clock=clock or SystemClock(),
            wall_clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead),
        )

    yield computer
    for each in sessions:
        each.close()
    engine.dispose()


@contextlib.asynccontextmanager
async def on(computer: PostgresWorkstations, feed: str = "") -> AsyncIterator[None]:
    task = asyncio.create_task(computer.stay_on(lambda: feed))
    async with asyncio.timeout(30):
        while computer.this_one not in await ids_on(computer):  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.02)
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def ids_on(computer: PostgresWorkstations) -> set[str]:
    return {each.id for each in await found(computer) if each.on}


async def found(computer: PostgresWorkstations) -> list[Workstation]:
    return list(await computer.workstations())


def execute(address: URL, statement: bytes) -> None:
    with connect_dedicated(address, name="the test") as connection:
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
            with connect_dedicated(address, name="the test") as connection:
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


class QuickClock(SystemClock):
    """Five seconds are over at once."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 500)


async def until_desk(
    condition: Callable[[Workstation], bool], computer: PostgresWorkstations
) -> None:
    async def holds() -> bool:
        return condition((await found(computer))[0])

    await until(holds, 30)


async def test_of_two_apps_on_copies_of_one_data_folder_the_later_gives_way(opened: Open) -> None:
    first, copy = (opened("1", "Desk", clock=QuickClock()) for _ in range(2))
    async with on(first):
        since = (await found(first))[0].since
        with pytest.raises(WorkstationCopied):
            await asyncio.wait_for(copy.stay_on(lambda: "the copy"), 30)
        await until_desk(
            lambda desk: desk.on and desk.since == since and not desk.feed_address, first
        )


async def test_an_app_that_is_started_anew_goes_on_where_the_killed_one_was(
    opened: Open, address: URL
) -> None:
    desk = opened("1", "Desk", clock=QuickClock())
    began = b"timezone('UTC', clock_timestamp()) - interval '1 h'"
    execute(address, b"UPDATE workstations SET started_at = %s, seen_at = %s" % (began, began))
    async with on(desk):
        await until_desk(lambda each: each.on, desk)
        first = (await found(desk))[0].since
        execute(address, b"UPDATE workstations SET started_at = " + began)  # an older state came
        await until_desk(
            lambda each: each.since is not None and first is not None and each.since > first, desk
        )


async def test_one_that_was_forgotten_while_it_slept_does_not_come_back(
    opened: Open, address: URL
) -> None:
    desk, office = opened("1", "Desk", clock=QuickClock()), opened("2", "Office")
    staying = asyncio.create_task(desk.stay_on(lambda: ""))
    await until_desk(lambda each: each.on, office)
    execute(address, b"DELETE FROM workstations WHERE id = '1'")
    with pytest.raises(WorkstationForgotten):
        await asyncio.wait_for(staying, 30)
    assert [each.id for each in await found(office)] == ["2"]
