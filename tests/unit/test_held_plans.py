"""Held removals: a person releases or keeps what they were shown, whatever happens since."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from tests.battery.world import ANNA, MONDAY, World, appointment

TOMORROW = MONDAY + timedelta(days=1)


async def a_clinic(count: int) -> World:
    """`count` appointments of tomorrow, all in Google."""
    world = World()
    await world.put(
        *(appointment(n, start=TOMORROW + timedelta(minutes=5 * n)) for n in range(count))
    )
    await world.run()
    return world


async def removed(world: World, first: int, last: int) -> None:
    """An import that no longer names them."""
    await world.put(remove=[f"a{n}" for n in range(first, last)])


def once_begun(world: World, step: str, work: Callable[[], object]) -> None:
    """`work` at the first step of that name."""

    def at(name: str) -> None:
        if name == step:
            world.at_step = lambda _name: None
            work()

    world.at_step = at


async def test_releasing_lets_go_what_was_shown_and_holds_what_came_since() -> None:
    world = await a_clinic(80)
    await removed(world, 0, 30)
    assert (await world.run()).held == 30
    await removed(world, 30, 60)
    result = await world.run(release_held=True)
    assert (result.deleted, result.held) == (30, 30)
    assert set(world.live()) == {f"a{n}" for n in range(30, 80)}
    held = (await world.syncing.state(ANNA)).held
    assert held is not None
    assert {item.key for item in held.items} == {f"a{n}" for n in range(30, 60)}
    assert (await world.run(release_held=True)).deleted == 30


async def test_the_list_on_the_screen_is_what_is_released_though_more_is_held_by_now() -> None:
    world = await a_clinic(80)
    await removed(world, 0, 30)
    await world.run()
    on_screen = (await world.syncing.state(ANNA)).held
    await removed(world, 30, 60)
    assert (await world.run()).held == 60
    result = await world.run(release_held=True, shown=on_screen)
    assert (result.deleted, result.held) == (30, 30)


async def test_a_book_that_is_emptied_after_the_look_is_held_whatever_was_released() -> None:
    world = await a_clinic(30)
    await removed(world, 0, 15)
    await world.run()
    await removed(world, 15, 30)
    result = await world.run(release_held=True)
    assert (result.deleted, result.held) == (15, 15)


async def test_an_import_that_goes_wrong_under_a_release_is_held() -> None:
    world = await a_clinic(80)
    await removed(world, 0, 30)
    await world.run()
    tasks = []

    def import_badly() -> None:
        async def work() -> None:
            await removed(world, 30, 80)
            world.syncing.book_changed(ANNA)

        tasks.append(asyncio.get_running_loop().create_task(work()))

    once_begun(world, "before google.write", import_badly)
    result = await world.run(release_held=True)
    await asyncio.gather(*tasks)
    assert result.deleted == 30
    assert (await world.run()).held == 50
    assert len(world.live()) == 50


async def test_a_release_without_a_shown_list_takes_the_plan_as_it_is() -> None:
    """`sync --yes` before anything was shown: there is no list that it could be limited to."""
    world = await a_clinic(40)
    await removed(world, 0, 40)
    assert (await world.run(release_held=True)).deleted == 40


async def test_releasing_some_leaves_those_kept_before_in_google() -> None:
    world = await a_clinic(80)
    await removed(world, 0, 30)
    await world.run()
    await world.syncing.keep_held(ANNA)
    await removed(world, 30, 55)
    assert (await world.run()).held == 25
    result = await world.run(release_held=True)
    assert (result.deleted, result.held) == (25, 0)
    assert set(world.live()) == {f"a{n}" for n in (*range(30), *range(55, 80))}
    assert (await world.run()).api_calls == 0


async def test_events_of_a_former_calendar_are_not_released_with_another_list() -> None:
    world = await a_clinic(40)
    await removed(world, 0, 15)
    await world.run()
    world.link(calendar_id="second@calendar")
    result = await world.run(release_held=True)
    assert (result.inserted, result.deleted, result.held) == (25, 0, 40)
    assert len(world.calendars.named("anna@calendar").ours()) == 40
    assert (await world.run(release_held=True)).deleted == 40


async def test_keeping_under_a_running_pass_is_not_undone_by_its_end() -> None:
    world = await a_clinic(40)
    await removed(world, 0, 15)
    await world.run()
    await world.put(appointment(0, start=TOMORROW + timedelta(days=1)))
    tasks = []

    def keep() -> None:
        tasks.append(asyncio.get_running_loop().create_task(world.syncing.keep_held(ANNA)))

    once_begun(world, "before google.write", keep)
    result = await world.run()
    await asyncio.gather(*tasks)
    assert (result.updated, result.deleted) == (1, 0)
    state = await world.syncing.state(ANNA)
    assert state.held is None
    assert len(state.kept) == 14
    assert (await world.run()).held == 0
