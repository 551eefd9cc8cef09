"""A calendar that was taken over on a new computer, whose book has the same appointments, under the
same ids or (as its book has a secret of its own) under others: nothing is ever there twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.appointments import Appointment
from companion.domain.errors import AnotherWriter
from tests.battery.world import ANNA, MONDAY, World, appointment

FIRST = MONDAY + timedelta(days=1)
EQUAL = 500
SAME, OTHER = "a", "b"
"""What the ids of appointments begin with."""


def booked(number: int, prefix: str, **more: object) -> Appointment:
    return appointment(
        number, id=f"{prefix}{number}", start=FIRST + timedelta(minutes=30 * number), **more
    )


async def a_lost_computer(count: int) -> World:
    world = World(user_rate=900.0, project_rate=900.0)
    world.choose(days_in_advance=60)
    await world.put(*(booked(number, SAME) for number in range(count)))
    assert (await world.run()).inserted == count
    assert (await world.audit()).differences == ()
    return world


def at_their_times(world: World) -> Counter[object]:
    return Counter(each.content.start for each in world.remote().ours())


@pytest.mark.parametrize("prefix", [SAME, OTHER])
async def test_500_equal_events_are_adopted_without_a_write(prefix: str) -> None:
    old = await a_lost_computer(EQUAL)
    before = old.remote().parts.total()
    new = await old.taken_over_elsewhere()
    await new.put(*(booked(number, prefix) for number in range(EQUAL)))
    result = await new.run()
    assert (result.error, result.api_calls) == (None, 1)
    assert old.remote().parts.total() == before
    assert result.proof is not None
    assert (result.proof.equal, result.proof.google) == (True, EQUAL)
    assert (await new.run()).api_calls == 0
    for number, after in ((3, "Room 2"), (4, "Room 3")):
        await new.put(booked(number, prefix, location=after))
        assert (await new.run()).updated == 1
    assert max(at_their_times(new).values()) == 1
    assert isinstance((await old.audit()).error, AnotherWriter)


async def a_new_computer(prefix: str) -> World:
    """Of twelve appointments half are as they were; two were moved, two say other words, one is
    gone, one is new."""
    old = await a_lost_computer(12)
    new = await old.taken_over_elsewhere()
    changed = {
        6: replace(booked(6, prefix), start=FIRST + timedelta(days=2)),
        7: replace(booked(7, prefix), start=FIRST + timedelta(days=3)),
        8: booked(8, prefix, appointment_type="Review"),
        9: booked(9, prefix, location="Room 9"),
    }
    changed = {
        number: replace(each, end=each.start + timedelta(minutes=30))
        for number, each in changed.items()
    }
    kept = [changed.get(number, booked(number, prefix)) for number in range(11)]
    await new.put(*kept, booked(30, prefix))
    return new


async def check(world: World) -> None:
    result = await world.run(release_held=True, audit=True)
    assert result.error is None
    assert result.proof is not None
    assert result.proof.equal
    assert len(world.remote().ours()) == 12
    assert max(at_their_times(world).values()) == 1
    world.remote().exploding = True
    assert (await world.run()).api_calls == 0
    world.remote().exploding = False


@pytest.mark.parametrize("prefix", [SAME, OTHER])
def test_the_process_may_die_at_any_step_of_the_first_pass(prefix: str) -> None:
    async def die_at(step: int) -> bool:
        world = await a_new_computer(prefix)
        world.steps = 0
        died = False

        def look(name: str) -> None:
            assert max(at_their_times(world).values()) == 1, name

        world.at_step = look
        died = await world.crash_at(step, world.run)
        assert max(at_their_times(world).values()) == 1
        await check(world)
        return died

    step = 1
    while asyncio.run(die_at(step)):
        step += 1
    assert step > 15


@pytest.mark.parametrize("prefix", [SAME, OTHER])
async def test_with_an_empty_book_nothing_goes_before_a_person_says_so(prefix: str) -> None:
    old = await a_lost_computer(12)
    new = await old.taken_over_elsewhere()
    result = await new.run()
    assert (result.held, result.deleted) == (12, 0)
    await new.put(*(booked(number, prefix) for number in range(12)))
    assert (await new.run()).error is None
    result = await new.run(audit=True)
    assert (result.error, result.held) == (None, 0)
    assert len(new.remote().ours()) == 12
    assert max(at_their_times(new).values()) == 1


async def test_the_old_computer_left_on_does_not_undo_a_take_over() -> None:
    old = await a_lost_computer(12)
    new = await old.taken_over_elsewhere()
    await new.put(*(booked(number, OTHER) for number in range(12)))
    await new.run()
    await old.put(booked(3, SAME, location="Room 7"))
    await old.run()
    assert (await new.audit()).error is None
    assert isinstance((await old.audit()).error, AnotherWriter)
    before = old.remote().parts.total()
    for _ in range(3):
        for world in (old, new):
            await world.run()
            await world.audit()
    assert old.remote().parts.total() == before
    assert {each.content.location for each in new.remote().ours()} == {""}
    assert (await new.audit(ANNA)).differences == ()
