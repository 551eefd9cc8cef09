"""A running worker in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from companion.domain.errors import StoreError
from companion.services.ports import Activity
from tests.battery.world import ANNA, MONDAY, World, appointment
from tests.fakes.background import in_background
from tests.fakes.stores import MemoryActivity

TOMORROW = MONDAY + timedelta(days=1)


class FullActivity(MemoryActivity):
    async def add(self, lines: Sequence[Activity]) -> None:
        raise StoreError(detail="disk full")


def working(world: World) -> AbstractAsyncContextManager[None]:
    return in_background(world.worker.run())


async def edit(world: World, number: int = 1, who: str = ANNA, **more: object) -> None:
    values: dict[str, object] = {"start": TOMORROW + timedelta(minutes=30 * number), **more}
    await world.put(appointment(number, id=f"{who}{number}", practitioner_id=who, **values))


async def until(world: World, holds: Callable[[], bool], seconds: float) -> float:
    """Seconds of virtual time until it holds; fails when that takes longer than `seconds`."""
    began = world.clock.monotonic()
    while not holds():
        assert world.clock.monotonic() - began < seconds, "it took too long"
        await world.clock.sleep(0.1)
    return world.clock.monotonic() - began
