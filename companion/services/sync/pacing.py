"""Pacing: how fast Google may be called, which caller is next, and how rate errors slow it down.

Google allows 600 units a minute per signed-in account and 10,000 per project, over *sliding*
windows. A token bucket of rate r and capacity b lets at most ``60·r + b`` units through in any 60
s, so each bucket here runs at ``(limit - b - margin) / 60``: the limit is never exceeded and 97 %
of it is used. The margin is for calls that were granted and arrive late, when a network or a busy
machine holds them up: no more than the margin of the account, and of the project, is in flight at a
time. A bucket starts empty, so that repeated restarts spend no more than one long run.

One pump grants units: the lowest `Urgency` first, then in order of arrival. A calendar asks for one
small batch at a time (what half a second of its account's rate allows, more where slow answers left
tokens unused), so that an edit of today never waits behind a long upload, neither its own nor
another practitioner's. The pump sleeps until the next grant is due and looks only at accounts that
are due, so that 200 waiting calendars cost almost nothing.

An account is here whom Google charges: where a service account speaks for the practitioners, each
of them by themselves.

Other processes spend of the same quota: other workstations of the practice, or a command beside the
app. So each grant is also reserved in buckets that all share (`shared_grants`), of the same rates.
What a process has reserved or in flight is no more than its margin, so a person at one workstation
waits less than a second for an upload that runs at another.

A rate error cuts that account's rate by a third and it recovers slowly; errors from several
accounts at once cut the project's. Backoff is "full jitter" (aws.amazon.com, "Exponential
Backoff And Jitter"), never shorter than Retry-After.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from companion.services.ports import Clock, Refill, SharedPace
from companion.services.sync.shared_grants import SharedGrants

HEAVIEST = 3
"""Units of the dearest single write, a patch."""
MOST_CALLS = 16
"""Under way at a time; as many as the Google adapter has connections."""
SHORTEST_SLEEP = 0.001


class Urgency(IntEnum):
    """Order in which waiting callers are served."""

    PERSON = 0
    """A person waits at the screen: a test, a check, an edit while an upload runs."""
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
        """`limit` of at least 6 units a minute."""
        self.capacity = max(float(HEAVIEST), min(limit * 0.014, 400.0))
        self.margin = max(min(self.capacity, 20.0), limit * 0.014)
        self.full_rate = max((limit - self.capacity - self.margin) / 60.0, limit / 120.0)
        self._factor = 1.0
        self._level = 0.0
        self._at = now
        self._eased_at = now

    @property
    def rate(self) -> float:
        """Units per second at the moment."""
        return self.full_rate * self._factor

    @property
    def refill(self) -> Refill:
        return Refill(self.full_rate, self.capacity)

    @property
    def covered(self) -> float:
        """Seconds that calls may be on their way within the margin, however many are."""
        return self.margin / self.full_rate

    def ready_in(self, units: float, now: float) -> float:
        """Seconds until `units` (at most the capacity) may go; 0 when they may go now."""
        self._refill(now)
        lacking = min(units, self.capacity) - self._level
        return 0.0 if lacking <= 1e-9 else lacking / self.rate

    def level(self, now: float) -> float:
        """Units that may go at once."""
        self._refill(now)
        return self._level

    def take(self, units: float, now: float) -> None:
        """May leave a debt when `units` exceed the capacity; the debt is waited for. Negative
        units give back what was taken and not used."""
        self._refill(now)
        self._level = min(self.capacity, self._level - units)

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
    units: int = field(compare=False)
    lasting: bool = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


@dataclass(slots=True)
class _Account:
    """One account's bucket and the callers waiting for it, the most urgent first."""

    bucket: Bucket
    waiters: list[_Waiter] = field(default_factory=list)
    due: float = math.inf
    """When its first waiter is looked at again; infinite while the bucket lets it go."""
    ready: int = -1
    """Number of the waiter that stands in the pump's queue."""
    under_way: int = 0
    """Units of calls that have not ended, whatever calendar of the account they are for."""

    def first(self) -> _Waiter | None:
        while self.waiters and self.waiters[0].turn.done():  # cancelled meanwhile
            heapq.heappop(self.waiters)
        return self.waiters[0] if self.waiters else None

    def fits(self, waiter: _Waiter) -> bool:
        """One call always has."""
        if not (waiter.lasting and self.under_way):
            return True
        return self.under_way + waiter.units <= self.bucket.margin


class Pacer:
    """Used by every pass of one process; all of it runs on the event loop."""

    def __init__(
        self,
        clock: Clock,
        *,
        user_rate: float,
        project_rate: float,
        shared: SharedPace | None = None,
    ) -> None:
        """Rates in units per second, as Google documents them (limit = rate · 60). Without
        `shared` no other process spends of them."""
        self._clock = clock
        self._began = clock.monotonic()
        self._user_limit = user_rate * 60
        self._project = Bucket(project_rate * 60, self._began)
        self._accounts: dict[str, _Account] = {}
        self._queue: list[tuple[int, int, str]] = []
        """(urgency, number, account) of each first waiter that its own bucket lets go."""
        self._timers: list[tuple[float, str]] = []
        """(moment, account) of each that must wait for its own bucket."""
        self._numbers = count()
        self._under_way = 0
        self._units_under_way = 0
        self._pump: asyncio.Task[None] | None = None
        self._wakes_at = math.inf
        self._recent_errors: deque[tuple[float, str]] = deque(maxlen=50)
        self._shared: SharedGrants | None = None
        if shared is not None:
            of_account = Bucket(self._user_limit, self._began).refill
            of_project = self._project.refill
            self._shared = SharedGrants(shared, clock, of_account=of_account, of_project=of_project)

    def batch_units(self, account: str) -> int:
        """Units of one grant: half a second of the account's rate or what lies unused, at least
        one patch."""
        bucket = self._account(account).bucket
        wanted = max(bucket.rate * 0.5, bucket.level(self._clock.monotonic()))
        most = min(50.0, bucket.capacity, self._project.capacity)
        return int(max(float(HEAVIEST), min(most, wanted)))

    def seconds_for(self, account: str, units: int) -> float:
        """Estimate of how long `units` take for one account that is alone."""
        return units / min(self._account(account).bucket.rate, self._project.rate)

    async def acquire(self, account: str, units: int, urgency: Urgency) -> None:
        """Wait until `units` may be spent by `account`, and spend them. Raises CompanionError
        where it cannot be known what other processes spend."""
        await self._wait_for(account, units, urgency, lasting=False)

    @asynccontextmanager
    async def calling(self, account: str, units: int, urgency: Urgency) -> AsyncIterator[None]:
        """Units held for the duration of the call made inside. Must not be nested. Raises as
        `acquire`."""
        await self._wait_for(account, units, urgency, lasting=True)
        began = self._clock.monotonic()
        try:
            yield
        finally:
            self._ended(account, units)
            self._look_at(account)
            if self._shared is not None:
                late = self._clock.monotonic() - began > self._account(account).bucket.covered
                await self._shared.ended(account, units, late=late)

    def _ended(self, account: str, units: int) -> None:
        self._under_way -= 1
        self._units_under_way -= units
        self._account(account).under_way -= units

    async def _wait_for(self, account: str, units: int, urgency: Urgency, *, lasting: bool) -> None:
        number = next(self._numbers)
        while True:
            await self._own_turn(account, units, urgency, number, lasting=lasting)
            if self._shared is None:
                return
            wait: float | None = 0.0
            try:
                wait = await self._shared.reserve(account, units)
            finally:
                if wait is not None:
                    self._give_back(account, units)
                    if lasting:
                        self._ended(account, units)
                    self._look_at(account)
            if wait is None:
                return
            await self._clock.sleep(wait)

    async def _own_turn(
        self, account: str, units: int, urgency: Urgency, number: int, *, lasting: bool
    ) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(urgency, number, units, lasting, turn)
        heapq.heappush(self._account(account).waiters, waiter)
        self._look_at(account)
        try:
            await turn
        except asyncio.CancelledError:
            if lasting and turn.done() and not turn.cancelled():  # granted at the same moment
                self._ended(account, units)
            self._look_at(account)  # the next waiter may need less
            raise

    def _give_back(self, account: str, units: int) -> None:
        now = self._clock.monotonic()
        self._account(account).bucket.take(-units, now)
        self._project.take(-units, now)

    def refund(self, account: str, granted: int, used: int) -> None:
        """Give back the units that were not used; more than granted are charged."""
        if used == granted:
            return
        self._give_back(account, granted - used)
        if self._shared is not None:
            self._shared.correct(account, used - granted)
        self._look_at(account)

    def rate_error(self, account: str) -> None:
        """Google answered with a rate error. Errors from three accounts within 10 s slow down the
        whole project."""
        now = self._clock.monotonic()
        self._account(account).bucket.slow_down(now)
        self._recent_errors.append((now, account))
        project = len({name for at, name in self._recent_errors if now - at < 10}) >= 3
        if project:
            self._project.slow_down(now)
            self._recent_errors.clear()
        if self._shared is not None:
            self._shared.slow_down(account, project=project)

    def _account(self, name: str) -> _Account:
        account = self._accounts.get(name)
        if account is None:
            bucket = Bucket(self._user_limit, self._began)
            account = self._accounts[name] = _Account(bucket)
        return account

    def _look_at(self, account: str) -> None:
        self._consider(account, self._clock.monotonic())
        self._grant()

    def _consider(self, name: str, now: float) -> None:
        """Put an account's first waiter into the queue, or note when its bucket allows it."""
        account = self._account(name)
        first = account.first()
        if first is None or not account.fits(first):
            return  # whichever of its calls ends next looks again
        wait = account.bucket.ready_in(first.units, now)
        if wait <= 0:
            if account.ready != first.number:
                account.ready = first.number
                heapq.heappush(self._queue, (first.urgency, first.number, name))
        elif now + max(wait, SHORTEST_SLEEP) < account.due:
            account.due = now + max(wait, SHORTEST_SLEEP)
            heapq.heappush(self._timers, (account.due, name))

    def _grant(self) -> None:
        """Grant what the buckets allow, most urgent first; then sleep until the next grant is
        due."""
        now = self._clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            due, name = heapq.heappop(self._timers)
            if due == self._account(name).due:
                self._account(name).due = math.inf
                self._consider(name, now)
        next_moment = self._timers[0][0] if self._timers else math.inf
        while self._queue:
            _, number, name = self._queue[0]
            account = self._account(name)
            first = account.first()
            own_wait = 0.0 if first is None else account.bucket.ready_in(first.units, now)
            if first is None or first.number != number or own_wait > 0:
                heapq.heappop(self._queue)  # overtaken, cancelled or slowed down meanwhile
                if account.ready == number:
                    account.ready = -1
                    self._consider(name, now)
                    next_moment = min(next_moment, account.due)
                continue
            if first.lasting and not self._fits(first.units):
                break  # whichever ends next grants again
            wait = self._project.ready_in(first.units, now)
            if wait > 0:  # the project's tokens are kept for the most urgent
                next_moment = min(next_moment, now + wait)
                break
            heapq.heappop(self._queue)
            heapq.heappop(account.waiters)
            account.ready = -1
            if first.lasting:
                self._under_way += 1
                self._units_under_way += first.units
                account.under_way += first.units
            account.bucket.take(first.units, now)
            self._project.take(first.units, now)
            first.turn.set_result(None)
            self._consider(name, now)
            next_moment = min(next_moment, account.due)
        self._wake_at(next_moment)

    def _fits(self, units: int) -> bool:
        """Whether the units in flight leave capacity for another call; a single call is always
        allowed."""
        if not self._under_way:
            return True
        units += self._units_under_way
        return self._under_way < MOST_CALLS and units <= self._project.margin

    def _wake_at(self, moment: float) -> None:
        running = self._pump is not None and not self._pump.done()
        if moment == math.inf or (running and self._wakes_at <= moment):
            return
        if self._pump is not None and running:
            self._pump.cancel()
        self._wakes_at = moment
        self._pump = asyncio.create_task(self._sleep_then_grant())

    async def _sleep_then_grant(self) -> None:
        await self._clock.sleep(max(SHORTEST_SLEEP, self._wakes_at - self._clock.monotonic()))
        self._pump = None
        self._grant()


def backoff(
    attempt: int, chance: random.Random, *, retry_after: float | None = None, cap: float = 64.0
) -> float:
    """Seconds to wait before try number `attempt` + 1 (`attempt` counts failures from 1)."""
    jittered = chance.uniform(0.0, min(cap, 0.5 * 2.0 ** min(attempt, 16)))
    return max(jittered, retry_after or 0.0)
