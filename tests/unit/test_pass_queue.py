"""Everybody is due at once: an edit is in Google in time all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from companion.domain.errors import SignInExpired
from companion.services.sync.pass_queue import AT_ONCE
from companion.services.sync.progress import Progress, SyncPhase
from tests.battery.working import edit, until, working
from tests.battery.world import World
from tests.fakes.clock import FakeClock

PEOPLE = [f"p{number:03}" for number in range(200)]
LAST = PEOPLE[-1]
PLANNING = 0.1


class OneAfterTheOther:
    """Planning takes this computer a while for each, one after the other."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()

    async def __call__(self, work: Callable[[], Any]) -> Any:
        async with self._turn:
            await self._clock.sleep(PLANNING)
            return work()


def slow_clinic() -> World:
    """A round over everybody takes twenty seconds and more."""
    world = World(*PEOPLE, project_rate=10_000)
    parts = world.syncing._parts
    object.__setattr__(parts, "offload", OneAfterTheOther(world.clock))
    return world


def passed(world: World) -> int:
    """Practitioners whose first pass is complete."""
    states = world.stores.ledger._states.values()
    return sum(bool(json.loads(each)["fingerprint"]) for each in states)


async def test_an_edit_while_everybody_is_due_is_in_google_within_ten_seconds() -> None:
    world = slow_clinic()
    async with working(world):
        await until(world, lambda: passed(world) > 5, 10.0)
        await edit(world, 1, LAST)
        await until(world, lambda: f"{LAST}1" in world.live(LAST), 10.0)
        assert passed(world) < 100, "the round is still under way"
        await until(world, lambda: passed(world) == 200, 60.0)


async def test_an_edit_without_a_notice_while_everybody_is_due_is_in_google_as_soon() -> None:
    """As one by a command beside the app."""
    world = slow_clinic()
    async with working(world):
        await until(world, lambda: passed(world) > 5, 10.0)
        with world.changes.losing():
            await edit(world, 1, LAST)
        await until(world, lambda: f"{LAST}1" in world.live(LAST), 10.0)
        assert passed(world) < 100


async def test_privacy_changed_while_everybody_is_due_is_in_google_within_ten_seconds() -> None:
    world = slow_clinic()
    await edit(world, 1, LAST, location="Room 1")
    await world.run(LAST)
    assert world.live(LAST)[f"{LAST}1"].location
    async with working(world):
        await until(world, lambda: passed(world) > 5, 10.0)
        world.disclose(LAST, items=frozenset())
        await until(world, lambda: not world.live(LAST)[f"{LAST}1"].location, 10.0)
        assert passed(world) < 100


async def test_an_edit_while_nobody_kept_the_calendars_is_first_in_the_round_after_it() -> None:
    """Whoever takes over was on when it was made."""
    world = slow_clinic()
    await edit(world, 1, PEOPLE[7])
    await world.clock.sleep(30)
    await edit(world, 1, LAST)
    async with working(world):
        await until(world, lambda: f"{LAST}1" in world.live(LAST), 10.0)
        assert passed(world) < 100


async def test_a_few_plan_at_a_time() -> None:
    world = slow_clinic()
    planning: dict[str, SyncPhase] = {}
    most = 0

    def look(progress: Progress) -> None:
        nonlocal most
        planning[progress.practitioner_id] = progress.phase
        most = max(most, sum(each is SyncPhase.PLANNING for each in planning.values()))

    world.syncing.subscribe(look)
    async with working(world):
        await until(world, lambda: passed(world) == 200, 60.0)
    assert most == AT_ONCE


async def test_sign_ins_that_do_not_answer_hold_nobody_up() -> None:
    world = World(*PEOPLE, project_rate=10_000)
    silent = PEOPLE[:12]
    for who in silent:
        world.remote(who).latency = 50.0
        await world.stores.ledger.edit_state(who, lambda state: replace(state, audit_due=True))
    async with working(world):
        await world.clock.sleep(1)
        await edit(world, 1, LAST)
        await until(world, lambda: f"{LAST}1" in world.live(LAST), 10.0)
        await until(world, lambda: passed(world) >= 188, 30.0)
        assert passed(world) == 188, "the silent ones are still waited for"


async def test_sign_ins_that_are_refused_hold_nobody_up() -> None:
    world = World(*PEOPLE, project_rate=10_000)
    for who in PEOPLE[:150]:
        world.calendars.refusing[who] = SignInExpired()
        await edit(world, 1, who)
    await edit(world, 1, LAST)
    async with working(world):
        await until(world, lambda: f"{LAST}1" in world.live(LAST), 10.0)
