"""Pace: how fast one key may be used, whoever uses it in this process.

A few requests may go at once; after that they are spread evenly, so that no minute, however it is
counted, holds more than `burst + 60 * rate`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    def __init__(
        self, rate: float, burst: int, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`rate`: requests a second; `burst`: requests that may go at once after a pause."""
        self._rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._free = float(burst)
        """Requests that may go now; below zero: so many have been promised for later."""
        self._counted_at = monotonic()
        self._held_until = self._counted_at

    def take(self) -> float:
        """A request's turn: seconds to wait before it is sent."""
        with self._lock:
            now = self._monotonic()
            self._refill(now)
            self._free -= 1.0
            return max(-self._free / self._rate, self._held_until - now, 0.0)

    def hold(self, seconds: float) -> None:
        """Nobody sends anything for so long: the server has said so."""
        with self._lock:
            now = self._monotonic()
            self._refill(now)
            self._free = min(self._free, 0.0)
            self._held_until = max(self._held_until, now + seconds)

    def _refill(self, now: float) -> None:
        self._free = min(self._free + (now - self._counted_at) * self._rate, float(self._burst))
        self._counted_at = now
