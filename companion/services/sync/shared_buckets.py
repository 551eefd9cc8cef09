"""SharedBuckets: the arithmetic of the pace that several processes share.

Each account has a bucket, and so has the project. A bucket is one moment, `free_at`, at which its
level is zero: while that lies behind us the bucket fills, up to its capacity; a reservation moves
it on by what its units take to refill, and the call is made once it is past. So whoever asks first
goes first, and what was reserved needs no second question.

What is kept may be old, or from another clock: after a restart of the computer, or when its clock
was set back, `free_at` lies further ahead than any reservation reaches. Then the bucket counts as
empty from now on, which neither waits nor spends what was spent before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from companion.services.ports import Refill, Reserved, Spending

AHEAD = 5.0
"""Seconds that a reservation may have to wait at most; who would wait longer asks again."""
DEEPEST = 30.0
"""Seconds of debt that a bucket keeps."""
IMPLAUSIBLE = 60.0
"""Seconds ahead that can only come from another clock."""
RECOVERY = 30.0
"""After that long without a rate error, a tenth of the full rate comes back."""
SLOWER, SLOWEST = 0.67, 0.02
MINUTE = 60.0


@dataclass(slots=True)
class SharedBucket:
    free_at: float
    factor: float = 1.0
    """Of its full rate."""
    eased_at: float = 0.0

    def look(self, now: float) -> None:
        """Before anything else: what the time since the last look has changed."""
        if self.free_at > now + IMPLAUSIBLE:
            self.free_at = now
        self.eased_at = min(self.eased_at, now)
        tenths = int((now - self.eased_at) // RECOVERY)
        if self.factor < 1.0 and tenths:
            self.factor = min(1.0, self.factor + 0.1 * tenths)
            self.eased_at += tenths * RECOVERY

    def after(self, units: float, refill: Refill, now: float) -> tuple[float, float]:
        """`free_at` once these units are spent, and the seconds until they may go. Units beyond
        the capacity leave a debt, which the next one waits for."""
        rate = refill.rate * self.factor
        free_at = max(self.free_at, now - refill.capacity / rate) + units / rate
        beyond = max(0.0, units - refill.capacity) / rate
        return free_at, max(0.0, free_at - beyond - now)

    def correct(self, units: float, refill: Refill, now: float) -> None:
        self.free_at = min(self.after(units, refill, now)[0], now + DEEPEST)

    def slow_down(self, now: float) -> None:
        self.factor = max(self.factor * SLOWER, SLOWEST)
        self.free_at = max(self.free_at, now)
        self.eased_at = now


def reserve(
    account: SharedBucket, project: SharedBucket, spending: Spending, now: float
) -> tuple[float, bool]:
    """From both or from neither: the wait, and whether it was spent."""
    own, own_wait = account.after(spending.units, spending.of_account, now)
    all_of_it, project_wait = project.after(spending.project_units, spending.of_project, now)
    wait = max(own_wait, project_wait)
    if wait > AHEAD:
        return wait - AHEAD, False
    account.free_at, project.free_at = own, all_of_it
    return wait, True


class OtherSpenders:
    """Whether other processes spend of the same buckets, as this one finds them: not as it left
    them."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._left: dict[str, float] = {}
        self._shared_at: dict[str, float] = {}

    def found(self, name: str, free_at: float, *, recent: bool) -> None:
        """As kept, before this process changes it. `recent`: it lies within the last minute."""
        if recent and self._left.get(name) != free_at:
            self._shared_at[name] = self._monotonic()

    def left(self, name: str, free_at: float) -> None:
        self._left[name] = free_at

    def shared(self, name: str) -> bool:
        return self._monotonic() - self._shared_at.get(name, float("-inf")) < MINUTE

    def answer(self, wait: float, *, spent: bool, account: str, project: str) -> Reserved:
        return Reserved(
            wait=wait,
            spent=spent,
            account_shared=self.shared(account),
            project_shared=self.shared(project),
        )
