"""The worker of the workstation that keeps the calendars, and what the others leave in the state of
a practitioner's sync meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from companion.domain.sync_state import SyncState
from tests.battery.wired_practice import Clinic
from tests.battery.working import TOMORROW, edit, until, working
from tests.battery.world import ANNA, World, appointment

Edit = Callable[[SyncState], SyncState]


def doubted(state: SyncState) -> SyncState:
    return state.doubted([])


def broken_off(state: SyncState) -> SyncState:
    return replace(state, audit_due=True)


def asked(state: SyncState) -> SyncState:
    return replace(state, fingerprint="", asked=state.asked + 1)


@asynccontextmanager
async def uploading() -> AsyncIterator[World]:
    """Its own pass has begun to write 100 of them, which takes some ten seconds."""
    world = World()
    start = TOMORROW + timedelta(days=2)
    async with working(world):
        await world.clock.sleep(60)
        await world.put(
            *(appointment(n, start=start + timedelta(minutes=30 * n)) for n in range(100))
        )
        await until(world, lambda: len(world.live()) > 5, 10.0)
        assert len(world.live()) < 50
        yield world


async def end_of_pass(world: World) -> datetime | None:
    """When the one that uploads them has ended."""
    await until(world, lambda: len(world.live()) == 100, 30.0)
    await until(world, lambda: world.syncing.running(ANNA) is None, 5.0)
    return (await world.syncing.state(ANNA)).last_pass


@asynccontextmanager
async def before_the_first_upload() -> AsyncIterator[Clinic]:
    """Every calendar waits for it, and the desk keeps them."""
    clinic = Clinic()
    desk = clinic.desk
    await clinic.fill()
    for each in desk.settings.current.practitioners:
        await desk.stores.ledger.edit_state(each, lambda _: SyncState(awaiting_upload=True))
    async with working(desk):
        await desk.clock.sleep(60)
        yield clinic


@pytest.mark.parametrize("news", [doubted, broken_off, asked])
async def test_what_others_note_while_its_own_pass_runs_is_acted_on_within_ten_seconds(
    news: Edit,
) -> None:
    async with uploading() as world:
        await world.stores.ledger.edit_state(ANNA, news)
        world.committed_elsewhere()
        ended = await end_of_pass(world)
        await world.clock.sleep(10)
        state = await world.syncing.state(ANNA)
        assert state.last_pass != ended, "nobody looked again"
        assert not state.audit_due


async def test_a_pass_that_is_asked_for_while_one_runs_comes_after_it() -> None:
    async with uploading() as world:
        world.worker.sync_now()
        ended = await end_of_pass(world)
        await world.clock.sleep(10)
        assert (await world.syncing.state(ANNA)).last_pass != ended


async def test_what_another_asked_for_outlives_a_change_of_the_keeper() -> None:
    """The pass that ran when it was asked for does not count as the answer."""
    async with uploading() as world:
        await world.stores.ledger.edit_state(ANNA, asked)
        ended = await end_of_pass(world)
    async with working(world.neighbour()):
        await world.clock.sleep(10)
    assert (await world.syncing.state(ANNA)).last_pass != ended


async def stopped_at_the_office(clinic: Clinic) -> int:
    """A person there stops the upload of 400; how many are in Google."""
    desk = clinic.desk
    upload = asyncio.create_task(clinic.office.syncing.run(ANNA, cause="upload"))
    await until(desk, lambda: len(desk.live()) > 50, 30.0)
    clinic.office.syncing.cancel(ANNA)
    await asyncio.wait({upload})
    assert upload.cancelled()
    desk.committed_elsewhere()
    await desk.clock.sleep(5)
    return len(desk.live())


async def test_an_upload_that_a_person_stopped_on_another_workstation_rests_for_ten_minutes() -> (
    None
):
    async with before_the_first_upload() as clinic:
        desk = clinic.desk
        there = await stopped_at_the_office(clinic)
        for _ in range(8):
            await desk.clock.sleep(60)
            desk.committed_elsewhere()  # others go on with their work
        assert len(desk.live()) == there < 100
        await until(desk, lambda: len(desk.live()) == 400, 300.0)


async def test_the_next_edit_goes_to_google_at_once_after_a_stop_on_another_workstation() -> None:
    async with before_the_first_upload() as clinic:
        desk = clinic.desk
        await stopped_at_the_office(clinic)
        await edit(desk, 5)
        await until(desk, lambda: "anna5" in desk.live(), 10.0)


async def test_a_stop_on_the_keeper_itself_is_not_taken_for_another_s_later_on() -> None:
    clinic = Clinic()
    desk = clinic.desk
    async with working(desk):
        await desk.clock.sleep(60)
        await clinic.fill()
        await until(desk, lambda: len(desk.live()) > 50, 30.0)
        desk.syncing.cancel(ANNA)
        await desk.clock.sleep(60)
        there = len(desk.live())
        assert there < 100
        await desk.put_elsewhere(appointment(500, start=TOMORROW))
        await until(desk, lambda: "a500" in desk.live(), 10.0)
        assert len(desk.live()) > there


async def test_an_upload_stopped_before_it_wrote_anything_is_not_begun_by_the_keeper() -> None:
    """It had taken back that the calendar waits for its first upload."""
    clinic = Clinic()
    desk, office = clinic.desk, clinic.office
    await clinic.fill(20)
    await desk.stores.ledger.edit_state(ANNA, lambda _: SyncState(awaiting_upload=True))
    async with working(desk):
        await desk.clock.sleep(60)
        office.at_step = lambda name: office.syncing.cancel(ANNA) if "entries" in name else None
        with pytest.raises(asyncio.CancelledError):
            await office.syncing.run(ANNA, cause="upload")
        desk.committed_elsewhere()
        await desk.clock.sleep(300)
        assert not (await desk.syncing.state(ANNA)).awaiting_upload
        assert desk.live() == {}
        await until(desk, lambda: len(desk.live()) == 20, 400.0)
