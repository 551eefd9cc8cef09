"""The clock: real, fixed, shifted; and the virtual one of the tests."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from companion.adapters.clock import SystemClock
from companion.domain.errors import BadInput
from tests.fakes.clock import FakeClock


def test_without_a_setting_it_is_the_real_time() -> None:
    clock = SystemClock(" ")
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert not clock.rehearsing


@pytest.mark.parametrize(
    ("setting", "shift"),
    [
        ("+3d", timedelta(days=3)),
        ("-2h", timedelta(hours=-2)),
        ("+1w2d", timedelta(days=9)),
        ("-1d12h30m5s", timedelta(days=-1, hours=-12, minutes=-30, seconds=-5)),
    ],
)
def test_a_shifted_clock_runs_on_beside_the_real_one(setting: str, shift: timedelta) -> None:
    clock = SystemClock(setting)
    before = datetime.now(UTC) + shift
    assert before <= clock.now() <= datetime.now(UTC) + shift
    assert clock.now().tzinfo is UTC
    assert clock.rehearsing


@pytest.mark.parametrize(
    ("setting", "moment"),
    [
        ("2026-03-02T09:00:00+11:00", datetime(2026, 3, 1, 22, tzinfo=UTC)),
        ("2026-03-02T09:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
    ],
)
def test_a_fixed_clock_stands_still(setting: str, moment: datetime) -> None:
    clock = SystemClock(setting)
    assert clock.now() == moment == clock.now()
    assert clock.monotonic() <= clock.monotonic()


def test_a_fixed_time_without_a_zone_is_this_machine_s() -> None:
    local = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - the case itself
    assert SystemClock("2026-03-02T09:00").now() == local.astimezone(UTC)


@pytest.mark.parametrize(
    "setting", ["tomorrow", "+3", "3d", "+3y", "+-3d", "2026-13-01", "+9999999d", "+99999999999d"]
)
def test_a_setting_that_is_no_time_is_refused_in_words(setting: str) -> None:
    with pytest.raises(BadInput, match="COMPANION_NOW") as caught:
        SystemClock(setting)
    assert "+3d" in caught.value.remedy


async def test_virtual_sleepers_wake_in_the_order_of_their_times() -> None:
    clock = FakeClock()
    began = clock.now()
    woke: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woke.append((name, clock.monotonic()))

    await asyncio.gather(sleeper("long", 3600), sleeper("short", 10, 20, 5000))
    assert woke == [("short", 10), ("short", 30), ("long", 3600), ("short", 5030)]
    assert clock.now() - began == timedelta(seconds=5030)


async def test_a_manual_clock_moves_only_when_shifted() -> None:
    clock = FakeClock(auto=False)
    nap = asyncio.create_task(clock.sleep(60))
    await clock.advance(59)
    assert not nap.done()
    assert clock.sleepers == 1
    await clock.advance(1)
    assert nap.done()


async def test_a_cancelled_sleeper_does_not_move_time() -> None:
    clock = FakeClock()
    long = asyncio.create_task(clock.sleep(1000))
    await asyncio.sleep(0)
    long.cancel()
    await clock.sleep(5)
    assert clock.monotonic() == 5
