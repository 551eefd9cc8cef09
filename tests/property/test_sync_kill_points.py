"""Every single step of a pass as the place where the process dies, or the disk is full."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.appointments import AppointmentStatus
from companion.domain.errors import StoreError
from companion.services.sync.passes import PassResult
from tests.battery.world import ANNA, MONDAY, World, appointment

DAY = MONDAY + timedelta(days=1)
House = Callable[[World], object]


def _nowhere(_world: World) -> None:
    """In memory."""


async def a_world_with_everything_to_do(house: House = _nowhere) -> World:
    """Inserts, updates, deletes, a colour to change, one that a person chose, one to put back,
    one behind the window, a calendar left behind. `house` puts its stores somewhere else."""
    world = World()
    house(world)
    world.choose(days_in_advance=20)
    await world.put(*(appointment(n, start=DAY + timedelta(hours=n)) for n in range(8)))
    await world.put(appointment(20, start=MONDAY - timedelta(days=7)))
    await world.run()
    world.link(calendar_id="second@calendar")
    await world.run()
    world.remote().person_deletes(world.id_of("a2"))
    world.remote().person_styles(world.id_of("a3"), "9|")
    world.choose(colour="4")
    await world.put(
        appointment(0, start=DAY, location="Room 2"),
        appointment(1, start=DAY, status=AppointmentStatus.CANCELLED),
        appointment(2, start=DAY + timedelta(hours=2), location="Room 3"),
        appointment(4, start=DAY + timedelta(days=40)),
        *(appointment(n, start=DAY + timedelta(days=2, hours=n)) for n in range(9, 12)),
    )
    world.clock.shift(86_400)
    return world


Work = Callable[[World], Awaitable[PassResult]]
WORKS: dict[str, Work] = {
    "everyday": lambda world: world.run(release_held=True),
    "audit": lambda world: world.syncing.run(ANNA, cause="test", release_held=True, audit=True),
}


async def check(world: World) -> None:
    assert (await WORKS["everyday"](world)).error is None
    result = await WORKS["audit"](world)
    assert result.error is None
    assert result.proof is not None
    assert result.proof.equal
    keys = [each.key for each in world.remote().ours()]
    assert sorted(keys) == ["a0", "a10", "a11", "a2", "a20", "a3", "a5", "a6", "a7", "a9"]
    former = [each.key for each in world.calendars.named("anna@calendar").ours()]
    assert former == [], former
    styles = {each.key: each.style for each in world.remote().ours()}
    assert styles["a3"] == "9|"
    world.remote().exploding = True
    assert (await world.run()).api_calls == 0


def steps_of(work: Work) -> int:
    async def count() -> int:
        world = await a_world_with_everything_to_do()
        world.steps = 0
        await work(world)
        return world.steps

    return asyncio.run(count())


@pytest.mark.parametrize("name", WORKS)
def test_a_process_may_die_at_any_step_of_a_pass(name: str) -> None:
    last = steps_of(WORKS[name])

    async def die_at(step: int) -> None:
        world = await a_world_with_everything_to_do()
        assert await world.crash_at(step, lambda: WORKS[name](world))
        await check(world)

    assert last > 60
    for step in range(1, last + 1):
        asyncio.run(die_at(step))


@pytest.mark.parametrize("name", WORKS)
def test_a_disk_may_be_full_at_any_step_of_a_pass(name: str) -> None:
    last = steps_of(WORKS[name])

    async def fail_at(step: int) -> bool:
        world = await a_world_with_everything_to_do()
        world.steps = failures = 0

        def full(at: str) -> None:
            nonlocal failures
            if world.steps >= step and at.startswith(("before ledger", "before book")):
                failures += 1
                raise StoreError

        world.at_step = full
        with contextlib.suppress(StoreError):
            await WORKS[name](world)
        world.at_step = lambda _name: None
        await check(world)
        return bool(failures)

    failed = [asyncio.run(fail_at(step)) for step in range(1, last + 1, 2)]
    assert sum(failed) > len(failed) * 0.8


def test_two_deaths_in_a_row_are_survived_too() -> None:
    async def die_twice(first: int, second: int) -> None:
        world = await a_world_with_everything_to_do()
        await world.crash_at(first, lambda: world.run(release_held=True))
        await world.put(replace(appointment(0, start=DAY), location=f"Room {second}"))
        await world.crash_at(second, lambda: world.run(release_held=True))
        await check(world)

    for first in range(5, 60, 9):
        for second in range(3, 60, 7):
            asyncio.run(die_twice(first, second))
