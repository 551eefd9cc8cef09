"""A log of what a pacer granted, and an upload that asks it."""

from __future__ import annotations

from collections import deque

from companion.services.sync.pacing import Pacer, Urgency
from tests.fakes.clock import FakeClock

UPCOMING, SOON, PERSON = Urgency.UPCOMING, Urgency.SOON, Urgency.PERSON


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
