"""Pacing: how fast we may write to Google, who goes next, and what to do when told to slow down.

Google allows 600 units a minute per signed-in account and 10,000 per project, over *sliding*
windows. A token bucket of rate r and capacity b lets at most ``60·r + b`` units through in any
60 s, so each bucket here runs at ``(limit - b - margin) / 60``: the figure is never exceeded
and 98 % of it is used. The margin is for answers that travel at different speeds.

Turns are granted by one pump: the lowest `Urgency` first, then first come. A calendar asks for
one small batch at a time (what half a second of its account's rate allows), so that an edit of
today never waits behind a long upload, neither its own nor another practitioner's.

A rate error cuts that account's rate by a third and it recovers slowly; errors from several
accounts at once cut the project's. Backoff is "full jitter" (aws.amazon.com, "Exponential
Backoff And Jitter"), never shorter than Retry-After.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from companion.services.ports import Clock

PATIENCE = 0.05
"""Seconds after which the pump looks again for someone more urgent."""


class Urgency(IntEnum):
    """Who goes first."""

    PERSON = 0
    """Somebody waits at the screen: a test, a check, an edit while an upload runs."""
    SOON = 1
    """Appointments of today and tomorrow."""
    CORRECTION = 2
    """Google shows something that is no longer true."""
    UPCOMING = 3
    PAST = 4


class Bucket:
    """Units of one minute-limit, refilled steadily; `limit` is per 60 s."""

    RECOVERY_SECONDS = 30.0
    """After that long without a rate error, a tenth of the full rate comes back."""

    def __init__(self, limit: float, now: float) -> None:
        self.capacity = max(1.0, min(limit * 0.014, 400.0))
        margin = min(40.0, limit * 0.006)
        self._full_rate = max((limit - self.capacity - margin) / 60.0, limit / 120.0)
        self._factor = 1.0
        self._level = self.capacity
        self._at = now
        self._eased_at = now

    @property
    def rate(self) -> float:
        """Units per second at the moment."""
        return self._full_rate * self._factor

    def ready_in(self, units: float, now: float) -> float:
        """Seconds until `units` (at most the capacity) may go; 0 when they may go now."""
        self._refill(now)
        lacking = min(units, self.capacity) - self._level
        return 0.0 if lacking <= 1e-9 else lacking / self.rate

    def take(self, units: float, now: float) -> None:
        """May leave a debt when `units` exceed the capacity; the debt is waited for."""
        self._refill(now)
        self._level -= units

    def slow_down(self, now: float) -> None:
        self._refill(now)
        self._factor = max(self._factor * 0.67, 0.02)
        self._level = min(self._level, 0.0)
        self._eased_at = now

    def _refill(self, now: float) -> None:
        self._level = min(self.capacity, self._level + max(0.0, now - self._at) * self.rate)
        self._at = now
        while self._factor < 1.0 and now - self._eased_at >= self.RECOVERY_SECONDS:
            self._factor = min(1.0, self._factor + 0.1)
            self._eased_at += self.RECOVERY_SECONDS


@dataclass(order=True, slots=True)
class _Waiter:
    urgency: int
    number: int
    account: str = field(compare=False)
    units: int = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class Pacer:
    """Shared by every pass of one process; all of it runs on the event loop."""

    def __init__(self, clock: Clock, *, user_rate: float, project_rate: float) -> None:
        """Rates in units per second, as Google documents them (limit = rate · 60)."""
        self._clock = clock
        self._user_limit = user_rate * 60
        self._project = Bucket(project_rate * 60, clock.monotonic())
        self._users: dict[str, Bucket] = {}
        self._waiters: list[_Waiter] = []
        self._numbers = count()
        self._pump: asyncio.Task[None] | None = None
        self._recent_errors: deque[tuple[float, str]] = deque(maxlen=50)

    def batch_units(self, account: str) -> int:
        """Units of one turn: half a second of the account's rate, at least one patch (3)."""
        bucket = self._user(account)
        return int(max(3.0, min(50.0, bucket.capacity, bucket.rate * 0.5)))

    def seconds_for(self, account: str, units: int) -> float:
        """An honest estimate of how long `units` take for one account that is alone."""
        return units / min(self._user(account).rate, self._project.rate)

    async def turn(self, account: str, units: int, urgency: Urgency) -> None:
        """Wait until `units` may be spent by `account`, and spend them."""
        waiter = _Waiter(
            urgency, next(self._numbers), account, units, asyncio.get_running_loop().create_future()
        )
        heapq.heappush(self._waiters, waiter)
        self._grant()
        if self._waiters and (self._pump is None or self._pump.done()):
            self._pump = asyncio.create_task(self._run_pump())
        await waiter.turn

    def settle(self, account: str, granted: int, used: int) -> None:
        """After a turn: give back what was not used, owe what was used beyond it."""
        now = self._clock.monotonic()
        for bucket in (self._user(account), self._project):
            bucket.take(used - granted, now)

    def rate_error(self, account: str) -> None:
        """Google said: slower. Three accounts within 10 s mean that the project is too fast."""
        now = self._clock.monotonic()
        self._user(account).slow_down(now)
        self._recent_errors.append((now, account))
        if len({name for at, name in self._recent_errors if now - at < 10}) >= 3:
            self._project.slow_down(now)
            self._recent_errors.clear()

    def _user(self, account: str) -> Bucket:
        bucket = self._users.get(account)
        if bucket is None:
            bucket = self._users[account] = Bucket(self._user_limit, self._clock.monotonic())
        return bucket

    async def _run_pump(self) -> None:
        while self._waiters:
            await self._clock.sleep(max(0.001, min(self._grant(), PATIENCE)))

    def _grant(self) -> float:
        """Let go whom the buckets allow, most urgent first; seconds until the next may go."""
        now = self._clock.monotonic()
        waiting: list[_Waiter] = []
        shortest = PATIENCE
        served: set[str] = set()
        while self._waiters:
            waiter = heapq.heappop(self._waiters)
            if waiter.turn.done():
                continue
            wait = self._user(waiter.account).ready_in(waiter.units, now)
            if waiter.account in served:  # a less urgent turn never passes its own account's
                wait = max(wait, 0.001)
            if wait <= 0:
                wait = self._project.ready_in(waiter.units, now)
                if wait > 0:  # the project's tokens are kept for the most urgent
                    waiting.append(waiter)
                    shortest = min(shortest, wait)
                    break
                self._user(waiter.account).take(waiter.units, now)
                self._project.take(waiter.units, now)
                waiter.turn.set_result(None)
                continue
            served.add(waiter.account)
            waiting.append(waiter)
            shortest = min(shortest, wait)
        for waiter in waiting:
            heapq.heappush(self._waiters, waiter)
        return shortest


def backoff(
    attempt: int, chance: random.Random, *, retry_after: float | None = None, cap: float = 64.0
) -> float:
    """Seconds to wait before try number `attempt` + 1 (`attempt` counts failures from 1)."""
    jittered = chance.uniform(0.0, min(cap, 0.5 * 2.0 ** min(attempt, 16)))
    return max(jittered, retry_after or 0.0)
