"""Retry: how long one pass waits out transient errors of Google and of the network.

Being offline counts three times, a success restores everything, and where Google asks for a wait
that is longer than a pass sits out, the pass ends and the worker comes back in time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from companion.domain.errors import Offline, RateLimited, TransientError
from companion.services.ports import Clock
from companion.services.sync.pacing import Pacer, backoff

LONGEST_WAIT = 90.0
"""Seconds of Retry-After that a pass sits out; for longer ones it ends."""


@dataclass(slots=True)
class RetryBudget:
    pacer: Pacer
    account: str
    clock: Clock
    chance: random.Random
    most: float = 8.0
    """Transient errors in a row that are waited out."""
    _failures: int = 0
    _spent: float = 0.0

    def restored(self) -> None:
        self._failures, self._spent = 0, 0.0

    async def wait_after(self, error: TransientError) -> None:
        """Back off; raise the error once the budget is used up."""
        self._failures += 1
        self._spent += 3.0 if isinstance(error, Offline) else 1.0
        if isinstance(error, RateLimited):
            self.pacer.rate_error(self.account)
        if self._spent >= self.most or (error.retry_after or 0.0) > LONGEST_WAIT:
            raise error
        await self.clock.sleep(backoff(self._failures, self.chance, retry_after=error.retry_after))
