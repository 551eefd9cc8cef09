"""The worker in virtual time: when it looks, when it writes, and when it leaves things alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from companion.domain.errors import (
    Offline,
    RateLimited,
    StoreError,
)
from companion.domain.sync_state import SyncState
from companion.services.ports import Activity, ActivityKind
from companion.services.sync.worker import Worker
from tests.battery.working import TOMORROW, FullActivity, edit, until, working
from tests.battery.world import ANNA, BORIS, MONDAY, World, appointment
from tests.fakes.clock import FakeClock
from tests.fakes.importing import importing_over
from tests.samples.exports import allied, csv_bytes

# ── changes ───────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_is_in_google_within_two_seconds() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        await edit(world)
        await until(world, lambda: "anna1" in world.live(), 2.0)


async def test_edits_in_quick_succession_are_collected_into_one_pass() -> None:
    world = World()
    async with working(world):
        await edit(world, 0)
        await world.clock.sleep(60)
        before = world.remote().calls["write"]
        for number in range(1, 4):
            await edit(world, number)
            await world.clock.sleep(0.1)
        await until(world, lambda: len(world.live()) == 4, 2.0)
        assert world.remote().calls["write"] - before == 1


async def test_edits_that_never_end_delay_the_pass_by_a_second_at_most() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        for number in range(20):
            await edit(world, number)
            await world.clock.sleep(0.15)
        assert len(world.live()) >= 8


async def test_what_another_process_wrote_is_seen_within_three_seconds() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        await world.put_elsewhere(appointment(1, start=TOMORROW))
        await until(world, lambda: "a1" in world.live(), 3.0)


async def test_an_edit_whose_notice_is_lost_is_in_google_within_ten_seconds() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        with world.changes.losing():
            await edit(world)
        await until(world, lambda: "anna1" in world.live(), 10.0)


async def test_an_edit_under_an_upload_whose_notice_is_lost_overtakes_it_all_the_same() -> None:
    world = World()
    world.remote().latency = 0.1
    async with working(world):
        later = TOMORROW + timedelta(days=3)
        await world.put(*(appointment(n, start=later) for n in range(600)))
        await until(world, lambda: len(world.live()) > 20, 30.0)
        with world.changes.losing():
            await edit(world, 700)
        await until(world, lambda: "anna700" in world.live(), 10.0)
        assert len(world.live()) < 500, "the upload is still under way"


async def test_settings_whose_notice_is_lost_are_in_google_within_ten_seconds() -> None:
    world = World()
    far = appointment(1, start=MONDAY + timedelta(days=50))
    world.choose(days_in_advance=10)
    async with working(world):
        await world.put(far)
        await world.clock.sleep(60)
        assert world.live() == {}
        record = world.record()
        wider = replace(record, choices=replace(record.choices, days_in_advance=60))
        with world.changes.losing():
            await world.settings.change(lambda settings: settings.with_practitioner(wider))
        await until(world, lambda: "a1" in world.live(), 10.0)


async def test_settings_are_acted_on_at_once() -> None:
    world = World()
    world.choose(days_in_advance=10)
    async with working(world):
        await world.put(appointment(1, start=MONDAY + timedelta(days=50)))
        await world.clock.sleep(60)
        record = world.record()
        wider = replace(record, choices=replace(record.choices, days_in_advance=60))
        await world.settings.change(lambda settings: settings.with_practitioner(wider))
        await until(world, lambda: "a1" in world.live(), 1.0)


async def test_an_import_that_fails_after_its_commit_is_in_google_within_ten_seconds(
    tmp_path: Path,
) -> None:
    world = World()
    activity = FullActivity()
    importing = importing_over(
        book=world.stores.book, settings=world.settings, activity=activity, clock=world.clock
    )
    export = tmp_path / "export.csv"
    export.write_bytes(csv_bytes([allied(0, Practitioner="Anna Example")]))
    preview = await importing.preview(export)
    async with working(world):
        await world.clock.sleep(60)
        with world.changes.losing(), pytest.raises(StoreError):
            await importing.apply(preview)
        assert len(await world.stores.book.imports()) == 1
        await until(world, lambda: len(world.live()) == 1, 10.0)


def one_more(state: SyncState) -> SyncState:
    return replace(state, events=state.events + 1)


async def test_hours_of_phones_and_passes_of_others_do_not_make_the_book_look_new() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await world.clock.sleep(1300)
        steps = world.steps
        line = Activity(
            at=world.clock.now(),
            practitioner_id="",
            cause="test",
            kind=ActivityKind.CHECK,
            text="",
        )
        for _ in range(30):
            await world.stores.activity.add([line])
            await world.stores.ledger.edit_state(BORIS, one_more)
            await world.clock.sleep(2)
        assert world.steps == steps


async def test_an_edit_that_comes_while_a_pass_ends_is_not_lost() -> None:
    world = World()
    edited = False

    def edit_at_the_end(name: str) -> None:
        nonlocal edited
        if name == "before ledger.edit_state" and world.live() and not edited:
            edited = True
            asyncio.get_running_loop().create_task(edit(world, 2))

    async with working(world):
        await world.clock.sleep(10)
        world.at_step = edit_at_the_end
        await edit(world, 1)
        await until(world, lambda: "anna2" in world.live(), 5.0)


# ── the end ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [0.1, 3.3, 7.7])
async def test_it_stops_at_once_in_the_middle_of_anything_and_nothing_is_lost(
    seconds: float,
) -> None:
    world = World(ANNA, BORIS)
    for who in (ANNA, BORIS):
        await world.put(
            *(
                appointment(n, id=f"{who}{n}", practitioner_id=who, start=TOMORROW)
                for n in range(90)
            )
        )
        world.remote(who).latency = 0.5
    task = asyncio.create_task(world.worker.run())
    await world.clock.sleep(seconds)
    task.cancel()
    async with asyncio.timeout(3):
        await asyncio.gather(task, return_exceptions=True)
    assert all(world.syncing.running(who) is None for who in (ANNA, BORIS))
    world.restart()
    async with working(world):
        await until(world, lambda: all(len(world.live(who)) == 90 for who in (ANNA, BORIS)), 60.0)
    for who in (ANNA, BORIS):
        assert len(world.remote(who).ours()) == 90


async def test_hours_of_everything_end_equal() -> None:
    """Flaps, quota storms, edits all along."""
    world = World(ANNA, BORIS, clock=FakeClock())
    async with working(world):
        for hour in range(6):
            for number in range(4):
                who = (ANNA, BORIS)[number % 2]
                await edit(world, hour * 4 + number, who)
                remote = world.remote(who)
                remote.refusing = Offline() if (hour + number) % 5 == 0 else None
                if hour % 3 == 0:
                    remote.fail_next(*(RateLimited() for _ in range(6)))
                await world.clock.sleep(900)
        for who in (ANNA, BORIS):
            world.remote(who).refusing = None
        await world.clock.sleep(900)
        for who in (ANNA, BORIS):
            assert len(world.live(who)) == len(world.remote(who).ours()) == 12


async def test_google_is_asked_every_ten_minutes_whether_the_calendar_is_there() -> None:
    world = World()
    looked: list[float] = []

    async def look(practitioner_id: str) -> None:
        assert practitioner_id == ANNA
        looked.append(world.clock.monotonic())
        if len(looked) == 1:
            raise Offline
        if len(looked) == 2:
            raise ValueError("an internal error must not stop the worker")
        if len(looked) == 4:
            world.syncing.doubt(practitioner_id)  # the check could not reach Google

    world.worker = Worker(
        syncing=world.syncing,
        auditing=world.auditing,
        book=world.book,
        settings=world.settings,
        clock=world.clock,
        chance=world.chance,
        changes=world.changes,
        look=look,
    )
    async with working(world):
        await edit(world)
        await until(world, lambda: "anna1" in world.live(), 5.0)
        await world.clock.sleep(3_700)
    gaps = [later - sooner for sooner, later in pairwise(looked)]
    assert 28 <= gaps.pop(3) < 40, "soon again"
    assert len(gaps) == 5
    assert all(590 < gap < 610 for gap in gaps)
