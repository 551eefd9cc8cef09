"""A log of what pacers granted, an upload that asks one, and the pace that several share."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from companion.domain.errors import CompanionError
from companion.services.ports import Refill, Reserved, Spending
from companion.services.sync.pacing import Pacer, Urgency
from tests.fakes.clock import FakeClock

UPCOMING, SOON, PERSON = Urgency.UPCOMING, Urgency.SOON, Urgency.PERSON
OF_ACCOUNT, OF_PROJECT = Refill(9.72, 8.4), Refill(162.0, 140.0)


def spending(units: float, account: str = "anna") -> Spending:
    return Spending(
        account=account,
        units=units,
        project_units=units,
        of_account=OF_ACCOUNT,
        of_project=OF_PROJECT,
    )


class Log:
    """What went when, and the most units within any 60 seconds."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.entries: list[tuple[float, str, int]] = []

    def note(self, who: str, units: int) -> None:
        self.entries.append((self.clock.monotonic(), who, units))

    def peak(self, who: str | None = None) -> int:
        recent: deque[tuple[float, int]] = deque()
        units = most = 0
        for at, name, spent in self.entries:
            if who not in {None, name}:
                continue
            while recent and recent[0][0] <= at - 60:
                units -= recent.popleft()[1]
            recent.append((at, spent))
            units += spent
            most = max(most, units)
        return most


async def upload(
    pacer: Pacer, clock: FakeClock, log: Log, account: str, *, units: int, latency: float = 0.08
) -> None:
    while units > 0:
        batch = min(units, pacer.batch_units(account))
        await pacer.acquire(account, batch, UPCOMING)
        log.note(account, batch)
        units -= batch
        await clock.sleep(latency)


class KeptPace(Protocol):
    """As the adapters have it, blocking."""

    def reserve_now(self, spending: Spending) -> Reserved: ...

    def correct_now(self, spending: Spending) -> None: ...

    def slow_down_now(self, account: str, *, project: bool) -> None: ...


class SamePace:
    """One process's pace, on a test's clock. `latency`: seconds that an answer takes, as from a
    server."""

    def __init__(self, kept: KeptPace, clock: FakeClock, latency: float = 0.0) -> None:
        self._kept = kept
        self._clock = clock
        self._latency = latency
        self.away: CompanionError | None = None
        self.asked = 0

    async def reserve(self, spending: Spending) -> Reserved:
        await self._answer()
        return self._kept.reserve_now(spending)

    async def correct(self, spending: Spending) -> None:
        await self._answer()
        self._kept.correct_now(spending)

    async def slow_down(self, account: str, *, project: bool) -> None:
        await self._answer()
        self._kept.slow_down_now(account, project=project)

    async def _answer(self) -> None:
        self.asked += 1
        await self._clock.sleep(self._latency)
        if self.away is not None:
            raise self.away


async def write_for(
    pacer: Pacer, clock: FakeClock, log: Log, account: str, *, until: float, takes: float = 0.3
) -> None:
    """Calls, one after another; Google sees each halfway."""
    while clock.monotonic() < until:
        units = pacer.batch_units(account)
        async with pacer.calling(account, units, UPCOMING):
            await clock.sleep(takes / 2)
            log.note(account, units)
            await clock.sleep(takes / 2)


def used(log: Log, seconds: float) -> float:
    """Units a second, the first ten seconds left out."""
    return sum(units for at, _, units in log.entries if 10 <= at < seconds) / (seconds - 10)
