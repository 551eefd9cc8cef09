"""FakeClock: virtual time for everything that takes a `Clock`.

With ``auto=True`` (the default) time jumps to the next sleeper as soon as the event loop has
nothing else to do for a few turns, so an hour of pacing takes milliseconds and wakes happen in
the right order, ties in the order they were asked for. Work in threads is not waited for: a test
with threads and an endless loop of sleeps takes ``auto=False`` and drives time by `advance`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_QUIET_TURNS = 10
_A_MOMENT = 0.0005


class FakeClock:
    def __init__(self, now: datetime = MONDAY, *, auto: bool = True) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self.auto = auto
        self.slept: list[float] = []
        """Every sleep asked for, in seconds."""
        self.waits_for: Callable[[], bool] = lambda: False
        """While it holds, as something in a thread, time does not jump."""
        self._now = now.astimezone(UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._driving = False

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        wake = loop.create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._numbers), wake))
        if self.auto and not self._driving:
            self._driving = True
            loop.call_soon(self._drive, _QUIET_TURNS)
        await wake

    def set(self, now: datetime) -> None:
        """The wall clock jumps (a person or the network corrected it); sleepers sleep on."""
        self._now = now.astimezone(UTC)

    def shift(self, seconds: float) -> None:
        """Time passes at once; sleepers that are due wake at the loop's next turn."""
        until = self._elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            self._wake_next()
        self._pass_until(until)

    async def advance(self, seconds: float) -> None:
        """Time passes step by step: each sleeper runs on at its own moment."""
        until = self._elapsed + seconds
        await _quiet()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._wake_next()
            await _quiet()
        self._pass_until(until)
        await _quiet()

    @property
    def sleepers(self) -> int:
        """How many tasks are asleep."""
        return sum(not wake.done() for _due, _number, wake in self._sleepers)

    def _drive(self, turns: int) -> None:
        loop = asyncio.get_running_loop()
        self._forget_cancelled()
        if not self._sleepers:
            self._driving = False
        elif self.waits_for():
            loop.call_later(_A_MOMENT, self._drive, _QUIET_TURNS)
        elif turns:
            loop.call_soon(self._drive, turns - 1)
        else:
            self._wake_next()
            loop.call_soon(self._drive, _QUIET_TURNS)

    def _forget_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)

    def _wake_next(self) -> None:
        due, _number, wake = heapq.heappop(self._sleepers)
        if not wake.done():
            self._pass_until(due)
            wake.set_result(None)

    def _pass_until(self, moment: float) -> None:
        passed = max(0.0, moment - self._elapsed)
        self._elapsed += passed
        self._now += timedelta(seconds=passed)


async def _quiet() -> None:
    for _lock in range(_QUIET_TURNS):
        await asyncio.sleep(0)
