"""Who is granted next, what is given back, and how errors of the rate slow an account."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from companion.services.sync.pacing import MOST_CALLS, Pacer, Urgency, backoff
from tests.fakes.background import in_background
from tests.fakes.clock import FakeClock
from tests.fakes.pacing import PERSON, SOON, UPCOMING, Log, upload


async def test_an_urgent_turn_overtakes_a_long_upload_of_its_own_account() -> None:
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=166), Log(clock)
    async with in_background(upload(pacer, clock, log, "anna", units=5000)):
        await clock.sleep(30)
        waits = []
        for _ in range(50):
            began = clock.monotonic()
            await pacer.acquire("anna", 3, PERSON)
            waits.append(clock.monotonic() - began)
            await clock.sleep(2)
        assert sorted(waits)[47] < 1.0


async def test_an_urgent_turn_overtakes_every_other_account_at_a_full_project() -> None:
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=30), Log(clock)
    async with in_background(*(upload(pacer, clock, log, f"p{n}", units=500) for n in range(50))):
        await clock.sleep(30)
        waits = []
        for _ in range(20):
            began = clock.monotonic()
            await pacer.acquire("anna", 3, SOON)
            waits.append(clock.monotonic() - began)
            await clock.sleep(1)
        assert max(waits) < 0.5


async def test_turns_of_one_urgency_are_granted_in_the_order_they_were_asked_for() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=10, project_rate=166)
    order: list[int] = []

    async def ask(number: int) -> None:
        await pacer.acquire("anna", 3, UPCOMING)
        order.append(number)

    await asyncio.gather(*(ask(n) for n in range(20)))
    assert order == list(range(20))


async def test_a_cancelled_call_costs_nothing_and_blocks_no_other() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=10, project_rate=166)
    await pacer.acquire("anna", 8, UPCOMING)
    first = asyncio.create_task(pacer.acquire("anna", 8, PERSON))
    second = asyncio.create_task(pacer.acquire("anna", 3, UPCOMING))
    await asyncio.sleep(0)
    first.cancel()
    began = clock.monotonic()
    await second
    assert clock.monotonic() - began == pytest.approx(3 / 9.8, rel=0.05)


async def test_what_was_not_used_is_given_back() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=10, project_rate=166)
    await clock.sleep(10)
    for _ in range(50):
        await pacer.acquire("anna", 8, UPCOMING)
        pacer.refund("anna", 8, 0)
    assert clock.monotonic() == 10


async def test_giving_back_never_fills_a_bucket_beyond_its_size() -> None:
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=166), Log(clock)
    await clock.sleep(10)
    await pacer.acquire("anna", 8, UPCOMING)
    await clock.sleep(10)
    pacer.refund("anna", 8, 0)
    await upload(pacer, clock, log, "anna", units=1500, latency=0.0)
    assert log.peak() <= 600


async def test_a_rate_error_slows_that_account_alone_and_it_recovers() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=10, project_rate=166)
    full = pacer.seconds_for("anna", 100)
    for _ in range(3):
        pacer.rate_error("anna")
    assert pacer.seconds_for("anna", 100) == pytest.approx(full / 0.67**3, rel=0.01)
    assert pacer.seconds_for("boris", 100) == full
    for _ in range(9):
        await clock.sleep(30)
        await pacer.acquire("anna", 1, UPCOMING)
    assert pacer.seconds_for("anna", 100) == pytest.approx(full)


async def test_rate_errors_of_three_accounts_at_once_slow_the_project() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=100, project_rate=30)
    before = pacer.seconds_for("dora", 100)
    for name in ("anna", "boris", "carla"):
        pacer.rate_error(name)
    assert pacer.seconds_for("dora", 100) > before * 1.4


async def test_rate_errors_of_three_accounts_hours_apart_do_not_slow_the_project() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=100, project_rate=30)
    before = pacer.seconds_for("dora", 100)
    for name in ("anna", "boris", "carla"):
        pacer.rate_error(name)
        await clock.sleep(3600)
    assert pacer.seconds_for("dora", 100) == before


async def test_a_slowed_account_delays_no_other() -> None:
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=10, project_rate=166), Log(clock)
    for _ in range(20):
        pacer.rate_error("anna")
    async with in_background(upload(pacer, clock, log, "anna", units=1000)):
        began = clock.monotonic()
        await upload(pacer, clock, log, "boris", units=500)
        assert clock.monotonic() - began < 500 / 9.5


async def test_waiting_costs_few_wakes_however_many_wait() -> None:
    """The pump sleeps until somebody may go; a wake looks at those who are due alone."""
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=0.1, project_rate=166), Log(clock)
    async with in_background(*(upload(pacer, clock, log, f"p{n}", units=30) for n in range(200))):
        await clock.sleep(50)
        before = len(clock.slept)
        while len(log.entries) < 400:
            await clock.sleep(10)
        assert len(clock.slept) - before < 1500


async def test_granting_grows_no_faster_than_the_number_of_turns() -> None:
    """A pump that looks at all who wait, at every grant, is quadratic: eight times as many
    waiters, eight times as many grants, sixty-four times the work."""

    async def seconds(accounts: int) -> float:
        clock = FakeClock()
        pacer = Pacer(clock, user_rate=10, project_rate=166)
        await clock.sleep(30)
        turns = [
            asyncio.ensure_future(pacer.acquire(f"p{n % accounts}", 3, UPCOMING))
            for n in range(accounts * 10)
        ]
        began = time.process_time()
        await asyncio.gather(*turns)
        return time.process_time() - began

    few = min([await seconds(40) for _ in range(3)])
    many = min([await seconds(320) for _ in range(3)])
    assert many < few * 8 * 3


def test_backoff_is_fully_jittered_grows_and_honours_retry_after() -> None:
    chance = random.Random(1)
    first = [backoff(1, chance) for _ in range(500)]
    later = [backoff(6, chance) for _ in range(500)]
    assert min(first) < 0.1
    assert max(first) <= 1.0
    assert 25 < max(later) <= 32
    assert max(backoff(60, chance) for _ in range(500)) <= 64
    assert min(backoff(1, chance, retry_after=7.0) for _ in range(100)) == 7.0


async def test_turns_at_a_very_high_rate_come_to_an_end() -> None:
    """A wait shorter than the shortest sleep once kept the pump looking for ever."""
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=10_000, project_rate=20_000)
    async with asyncio.timeout(5):
        for _ in range(200):
            await pacer.acquire("anna", 50, Urgency.SOON)
    assert clock.monotonic() <= 200 * 50 / 9_000


async def test_only_so_many_calls_are_under_way_and_a_busy_machine_makes_no_burst() -> None:
    """Sixteen connections that stall for a while, then drain: what was granted had to wait its
    turn, so that no minute holds more than the limit."""
    clock = FakeClock()
    pacer, log = Pacer(clock, user_rate=1000, project_rate=10_000 / 60), Log(clock)
    under_way = most = 0

    async def writes(account: str) -> None:
        nonlocal under_way, most
        for _ in range(20):
            async with pacer.calling(account, 50, UPCOMING):
                under_way += 1
                most = max(most, under_way)
                stalled = 20.0 if 30 < clock.monotonic() < 50 else 0.3
                await clock.sleep(stalled)
                log.note(account, 50)
                under_way -= 1

    await asyncio.gather(*(writes(f"p{n}") for n in range(50)))
    assert 1 < most <= MOST_CALLS
    assert log.peak() <= 10_000


async def test_a_call_that_is_cancelled_or_fails_makes_room_for_the_next() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, user_rate=1000, project_rate=1000)

    async def hang(account: str) -> None:
        async with pacer.calling(account, 1, UPCOMING):
            await asyncio.Event().wait()

    hanging = [asyncio.create_task(hang(f"p{n}")) for n in range(MOST_CALLS)]
    await clock.sleep(1)
    waiting = asyncio.create_task(hang("late"))
    doomed = asyncio.create_task(hang("doomed"))
    await clock.sleep(1)
    doomed.cancel()
    hanging[0].cancel()
    await clock.sleep(1)
    hanging[1].cancel()

    async def fail() -> None:
        async with pacer.calling("anna", 1, UPCOMING):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await asyncio.wait_for(fail(), 5)
    for task in (*hanging, waiting):
        task.cancel()
    await asyncio.gather(*hanging, waiting, doomed, return_exceptions=True)
    assert pacer._under_way == 0
