"""Worlds that have been synced once, where tests of a pass begin."""

from __future__ import annotations

from companion.domain.appointments import AppointmentKind, AppointmentStatus, Recurrence
from tests.battery.world import World, appointment

CANCELLED = AppointmentStatus.CANCELLED


SERIES = appointment(
    0,
    id="series",
    kind=AppointmentKind.MEETING,
    title="Team meeting",
    recurrence=Recurrence(rule="FREQ=WEEKLY;COUNT=6"),
)


async def a_synced_world(count: int = 20) -> World:
    world = World()
    await world.put(*(appointment(n) for n in range(count)))
    assert (await world.run()).error is None
    return world
