"""Pacing: no 60 seconds above the figure, nearly all of it used, the urgent first."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from companion.sandbox.quotas import PER_USER, WEIGHTS, Meter
from companion.services.sync.pacing import Bucket, Pacer, Urgency
from tests.fakes.background import in_background
from tests.fakes.clock import FakeClock
from tests.fakes.pacing import UPCOMING, Log, upload


@pytest.mark.parametrize("limit", [6, 60, 120, 600, 3_000, 10_000, 60_000])
@pytest.mark.parametrize("seed", range(3))
def test_a_bucket_never_lets_more_than_the_limit_through_in_any_minute(
    limit: int, seed: int
) -> None:
    """Greedy and idle by turns: idling fills the bucket, which is the dangerous moment."""
    chance = random.Random(seed)
    clock = FakeClock()
    bucket, log = Bucket(limit, 0.0), Log(clock)
    for _ in range(4000):
        units = chance.choice([1, 3])
        clock.shift(bucket.ready_in(units, clock.monotonic()))
        if chance.random() < 0.02:
            clock.shift(chance.uniform(0, 90))
        bucket.take(units, clock.monotonic())
        log.note("", units)
    assert log.peak() <= limit


@pytest.mark.parametrize("latency", [0.02, 0.08, 0.3, 0.7])
async def test_a_long_upload_uses_95_percent_of_the_user_s_ceiling_and_never_exceeds_it(
    latency: float,
) -> None:
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=166), Log(clock)
    await upload(pacer, clock, log, "anna", units=3000, latency=latency)
    took = log.entries[-1][0]
    assert 3000 / took >= 9.5
    assert log.peak() <= 600


async def test_the_simulated_google_s_own_meter_never_refuses_an_upload_with_edits_in_it() -> None:
    clock = FakeClock()
    pacer, meter = Pacer(clock, user_rate=10, project_rate=10_000 / 60), Meter()

    async def write(account: str, method: str, units: int, count: int) -> None:
        for _ in range(count):
            await pacer.acquire(account, units, UPCOMING)
            for _part in range(units // WEIGHTS.get(method, 1)):
                meter.charge(account, method, clock.monotonic(), calendar=f"{account}'s")
            await clock.sleep(0.08)

    await asyncio.gather(
        write("anna", "events.insert", 4, 400),
        write("anna", "events.patch", 3, 200),
        write("boris", "events.patch", 3, 300),
    )
    assert 550 < meter.users["anna"].peak <= PER_USER
    assert meter.users["boris"].peak <= PER_USER


async def test_200_accounts_use_90_percent_of_the_project_s_ceiling_and_never_exceed_it() -> None:
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=10_000 / 60), Log(clock)
    work = (upload(pacer, clock, log, f"p{n}", units=100) for n in range(200))
    await asyncio.gather(*work)
    took = log.entries[-1][0]
    assert 20_000 / took >= 0.9 * 10_000 / 60
    assert log.peak() <= 10_000
    assert max(log.peak(f"p{n}") for n in range(200)) <= 600


async def test_every_account_of_200_gets_on_at_the_same_pace() -> None:
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=10_000 / 60), Log(clock)
    async with in_background(*(upload(pacer, clock, log, f"p{n}", units=400) for n in range(200))):
        await clock.sleep(120)
        done = [sum(u for _, who, u in log.entries if who == f"p{n}") for n in range(200)]
        assert min(done) > 0.8 * max(done)


def run(work: Callable[[FakeClock], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work(FakeClock()))


@pytest.mark.parametrize("seed", range(12))
def test_random_arrivals_of_calls_and_patches_never_exceed_user_or_project(seed: int) -> None:
    chance = random.Random(seed)
    user, project = chance.choice([(10, 166), (10, 30), (2, 5), (100, 120), (1, 166)])

    async def work(clock: FakeClock) -> None:
        pacer, log = Pacer(clock, user_rate=user, project_rate=project), Log(clock)

        async def one(account: str) -> None:
            await clock.sleep(chance.uniform(0, 100))
            for _ in range(chance.randrange(1, 60)):
                most = pacer.batch_units(account)
                units = chance.choice([1, 3, chance.randint(1, max(3, most))])
                await pacer.acquire(account, units, chance.choice(list(Urgency)))
                used = chance.randint(0, units) if chance.random() < 0.2 else units
                pacer.refund(account, units, used)
                if used:
                    log.note(account, used)
                if chance.random() < 0.02:
                    pacer.rate_error(account)
                await clock.sleep(chance.choice([0.0, 0.01, 0.3, 5.0]))

        names = [f"p{n}" for n in range(8)]
        await asyncio.gather(*(one(chance.choice(names)) for _ in range(40)))
        assert max(log.peak(name) for name in names) <= user * 60
        assert log.peak() <= project * 60

    run(work)


@pytest.mark.parametrize("seed", range(12))
def test_calls_that_arrive_late_never_exceed_user_or_project_either(seed: int) -> None:
    """What counts is when Google sees a call, not when its turn was granted: each is held up on
    its way, now and then all of them for up to half a minute."""
    chance = random.Random(seed)
    user, project = chance.choice([(10, 166), (10, 30), (100, 120), (5, 166)])

    async def work(clock: FakeClock) -> None:
        pacer, log = Pacer(clock, user_rate=user, project_rate=project), Log(clock)
        held_up_until = 0.0

        async def one(account: str) -> None:
            nonlocal held_up_until
            for _ in range(chance.randrange(10, 60)):
                units = chance.choice([1, 3, pacer.batch_units(account)])
                async with pacer.calling(account, units, chance.choice(list(Urgency))):
                    if chance.random() < 0.01:
                        held_up_until = clock.monotonic() + chance.uniform(0, 30)
                    await clock.sleep(max(0.0, held_up_until - clock.monotonic()))
                    await clock.sleep(chance.choice([0.0, 0.1, chance.uniform(0, 5)]))
                    log.note(account, units)
                    await clock.sleep(0.05)

        names = [f"p{n}" for n in range(6)]
        await asyncio.gather(*(one(names[n % 6]) for n in range(48)))
        assert max(log.peak(name) for name in names) <= user * 60
        assert log.peak() <= project * 60

    run(work)


@pytest.mark.parametrize("calendars", [1, 4, 16])
async def test_calendars_of_one_login_that_are_held_up_together_do_not_exceed_its_figure(
    calendars: int,
) -> None:
    """A network that stands still for a while, then lets everything through at once."""
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=10_000 / 60), Log(clock)

    async def write() -> None:
        while clock.monotonic() < 400:
            units = pacer.batch_units("anna")
            async with pacer.calling("anna", units, UPCOMING):
                if 100 < clock.monotonic() < 120:
                    await clock.sleep(120 - clock.monotonic())
                await clock.sleep(0.3)
                log.note("anna", units)

    await asyncio.gather(*(write() for _ in range(calendars)))
    assert 550 < log.peak() <= 600


async def test_starting_over_and_over_spends_no_more_than_going_on() -> None:
    clock = FakeClock()
    log = Log(clock)
    for _ in range(100):
        pacer = Pacer(clock, user_rate=10, project_rate=166)
        await upload(pacer, clock, log, "anna", units=30, latency=0.01)
    assert log.peak() <= 600
