"""The worker through whole days: nights asleep, flaps, quota storms, clocks that jump, people."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from companion.domain.errors import AccountParked, Offline, RateLimited, SignInExpired
from tests.battery.histories import History
from tests.fakes.background import in_background


class Days:
    """`hours` of one clinic with its worker running; then everything must be in order."""

    def __init__(self, seed: int, hours: int) -> None:
        self.history = History(seed, rate=0.0)
        self.chance = random.Random(seed)
        self.hours = hours

    async def live(self) -> None:
        history, world = self.history, self.history.world
        await history.books()
        async with in_background(world.worker.run()):
            for hour in range(self.hours):
                if hour % 24 == 12:
                    world.clock.shift(8 * 3600)  # the lid is closed for the night
                await self._an_hour()
            self._calm()
            for remote in world.calendars.by_id.values():
                remote._next_failures.clear()
                remote._lost_answers = 0
            await world.clock.sleep(1_300)
        await history.converge()

    async def _an_hour(self) -> None:
        history, world, chance = self.history, self.history.world, self.chance
        for _ in range(4):
            what = chance.choice(
                [history.edits, history.edits, history.books, history.cancels, history.imports]
            )
            await history.perform(what)
            if chance.random() < 0.3:
                await history.perform(history.people_edit_google)
            self._trouble()
            await world.clock.sleep(chance.uniform(1, 60))
            self._calm()
            world.clock.shift(chance.uniform(0, 20))
            await world.clock.sleep(chance.uniform(10, 90))

    def _trouble(self) -> None:
        history, world, chance = self.history, self.history.world, self.chance
        who = chance.choice(history.people)
        remote = world.remote(who)
        match chance.choice(["flap", "flap", "storm", "token", "parked", "jump", "none"]):
            case "flap":
                for each in world.calendars.by_id.values():
                    each.refusing = Offline()
            case "storm":
                remote.fail_next(*(RateLimited() for _ in range(chance.randint(1, 12))))
            case "token":
                world.calendars.refusing[who] = SignInExpired()
            case "parked":
                remote.fail_next(AccountParked())
            case "jump" if chance.random() < 0.2:
                jump = timedelta(days=chance.choice([-1, 1]))
                world.clock.set(world.clock.now() + jump)
                history.memory_lost = history.audit_needed = True
            case _:
                remote.lose_answers(chance.randint(0, 2))

    def _calm(self) -> None:
        world = self.history.world
        world.calendars.refusing.clear()
        for remote in world.calendars.by_id.values():
            remote.refusing = None


def live(seed: int, hours: int) -> None:
    days = Days(seed, hours)
    try:
        asyncio.run(days.live())
    except AssertionError as error:
        told = "\n".join(days.history.log)
        raise AssertionError(f"days {seed} failed: {error}\n{told}") from error


@pytest.mark.parametrize("seed", range(6))
def test_a_day_of_faults_ends_equal(seed: int) -> None:
    live(seed, 24)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 130))
def test_three_days_of_faults_end_equal(seed: int) -> None:
    live(seed, 72)
