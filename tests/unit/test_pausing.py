"""A pause of the background sync: begun by a person, over by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.errors import SignInExpired
from companion.domain.settings import Settings
from companion.services.ports import AlwaysHeld
from companion.services.standing import Mood, Standing, standing
from companion.services.status import Board
from companion.services.sync.pausing import Pausing
from companion.services.sync.sync_requests import SyncRequests
from tests.battery.working import edit, until, working
from tests.battery.world import ANNA, BORIS, MONDAY, World, appointment
from tests.unit.test_status import status_of

TOMORROW = MONDAY + timedelta(days=1)


def pausing(world: World) -> Pausing:
    return Pausing(world.settings, world.clock)


async def test_nothing_is_written_while_it_lasts_and_all_of_it_afterwards() -> None:
    world = World()
    async with working(world):
        await edit(world, 1)
        await until(world, lambda: "anna1" in world.live(), 5.0)
        await pausing(world).pause()
        await edit(world, 2)
        await world.clock.sleep(3_500)
        assert "anna2" not in world.live()
        await until(world, lambda: "anna2" in world.live(), 200.0)
    assert pausing(world).until() is None


async def test_it_holds_over_a_restart() -> None:
    world = World()
    await pausing(world).pause()
    world.restart()
    async with working(world):
        await edit(world, 1)
        await world.clock.sleep(1_800)
        assert world.live() == {}


async def test_ending_it_early_is_enough() -> None:
    world = World()
    async with working(world):
        await pausing(world).pause()
        await edit(world, 1)
        await world.clock.sleep(60)
        await pausing(world).resume()
        await until(world, lambda: "anna1" in world.live(), 5.0)


async def test_a_long_upload_of_the_worker_stops_and_is_finished_later() -> None:
    world = World(ANNA, BORIS)
    await world.put(*(appointment(n, start=TOMORROW) for n in range(90)))
    world.remote(ANNA).latency = 0.5
    async with working(world):
        await until(world, lambda: len(world.live()) > 5, 60.0)
        await pausing(world).pause()
        await world.clock.sleep(60)
        written = len(world.live())
        assert written < 90
        await world.clock.sleep(600)
        assert len(world.live()) == written
        await pausing(world).resume()
        await until(world, lambda: len(world.live()) == 90, 120.0)


async def test_what_a_person_asks_for_is_done_meanwhile() -> None:
    world = World()
    await pausing(world).pause()
    await world.put(appointment(1, start=TOMORROW))
    await world.run()
    assert len(world.live()) == 1


async def test_sync_now_gives_everybody_a_pass() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await until(world, lambda: "anna1" in world.live(), 5.0)
        await world.clock.sleep(30)
        before = {who: (await world.syncing.state(who)).last_pass for who in (ANNA, BORIS)}
        await world.clock.sleep(30)
        world.worker.sync_now()
        await world.clock.sleep(10)
        for who in (ANNA, BORIS):
            assert (await world.syncing.state(who)).last_pass != before[who]


class Elsewhere(AlwaysHeld):
    """The lease as a workstation sees it that does not keep the calendars."""

    held = False


@pytest.mark.parametrize("failing", [False, True])
async def test_sync_now_reaches_the_workstation_that_keeps_the_calendars(failing: bool) -> None:
    world = World(ANNA, BORIS)
    asking = SyncRequests(
        worker=world.neighbour().worker,
        lease=Elsewhere(),
        ledger=world.stores.ledger,
        settings=world.settings,
    )
    async with working(world):
        await edit(world, 1)
        await until(world, lambda: "anna1" in world.live(), 5.0)
        if failing:
            world.remote().refusing = SignInExpired()
            await edit(world, 2)
        await world.clock.sleep(30)
        before = {who: (await world.syncing.state(who)).last_pass for who in (ANNA, BORIS)}
        await world.clock.sleep(30)
        with world.changes.losing():
            await asking.sync_now()
        world.committed_elsewhere()
        await world.clock.sleep(10)
        for who in (ANNA, BORIS):
            assert (await world.syncing.state(who)).last_pass != before[who]
        once = (await world.syncing.state(ANNA)).last_pass
        world.committed_elsewhere()
        await world.clock.sleep(10)
        assert (await world.syncing.state(ANNA)).last_pass == once


async def test_what_was_asked_while_nobody_kept_the_calendars_is_done_by_the_next_that_does() -> (
    None
):
    world = World()
    async with working(world):
        await edit(world, 1)
        await until(world, lambda: "anna1" in world.live(), 5.0)
        await world.clock.sleep(30)
    before = (await world.syncing.state(ANNA)).last_pass
    await SyncRequests(
        worker=world.worker,
        lease=Elsewhere(),
        ledger=world.stores.ledger,
        settings=world.settings,
    ).sync_now()
    world.restart()
    async with working(world):
        await world.clock.sleep(10)
    assert (await world.syncing.state(ANNA)).last_pass != before


# ── how all of it stands ──────────────────────────────────────────────────────────────────────


async def board_of(world: World) -> Board:
    return await status_of(world).board()


def seen(board: Board, world: World, *, files: int = 0) -> Standing:
    return standing(board, world.clock.now(), files=files)


async def test_the_standing_is_one_word_and_one_sentence() -> None:
    world = World(ANNA, BORIS)
    for who in (ANNA, BORIS):
        await world.run(who)
    board = await board_of(world)
    assert seen(board, world) == Standing(
        mood="well", sentence="All calendars are up to date, 20:00."
    )

    def with_state(**changed: str) -> Board:
        first, *rest = board.practitioners
        return replace(board, practitioners=(replace(first, **changed), *rest))  # type: ignore[arg-type]

    expected: dict[str, tuple[Mood, str]] = {
        "sign in again": ("waiting", "1 calendar needs you."),
        "offline": ("offline", "Google cannot be reached; it is tried again."),
    }
    for state, (mood, sentence) in expected.items():
        assert seen(with_state(state=state), world) == Standing(mood=mood, sentence=sentence)
    both = seen(with_state(state="held"), world, files=2)
    assert both.sentence == "1 calendar needs you and 2 imports wait for an answer."
    await pausing(world).pause()
    assert seen(await board_of(world), world).sentence == "Paused until 21:00."


async def test_a_practice_without_a_connected_calendar_is_not_said_to_be_up_to_date() -> None:
    world = World()
    await world.settings.change(
        lambda settings: Settings(install_id=settings.install_id, practice=settings.practice)
    )
    assert seen(await board_of(world), world).sentence == "No calendar is connected to Google yet."
