"""Delays: after failures, the next try at a password has to wait, longer each time.

Counted per name and machine, so that guessing at one screen does not keep the owner out at another,
and no user is locked out for good: three tries are free, then 2, 4, 8 … seconds up to five minutes.
A try counts as failed from its beginning, so parallel tries gain nothing. What was not tried for an
hour is forgotten. Kept in memory only: restarting the program takes the launch token, which a
guesser does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

from companion.services.ports import Clock

FREE_TRIES = 3
LONGEST = 300.0
FORGOTTEN_AFTER = 3600.0
MOST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failures:
    count: int
    since: float


class Delays:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], _Failures] = {}

    def seconds_left(self, key: tuple[str, str]) -> float:
        """Until the next try is taken; 0 when it may come now."""
        known = self._known(key)
        if known is None:
            return 0.0
        return max(0.0, known.since + delay_after(known.count) - self._clock.monotonic())

    def begin(self, key: tuple[str, str]) -> None:
        known = self._known(key)
        count = 1 if known is None else known.count + 1
        self._failures.pop(key, None)
        if len(self._failures) >= MOST:
            self._failures.pop(next(iter(self._failures)))
        self._failures[key] = _Failures(count=count, since=self._clock.monotonic())

    def succeeded(self, key: tuple[str, str]) -> None:
        self._failures.pop(key, None)

    def _known(self, key: tuple[str, str]) -> _Failures | None:
        known = self._failures.get(key)
        if known is not None and self._clock.monotonic() - known.since > FORGOTTEN_AFTER:
            del self._failures[key]
            return None
        return known


def delay_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    if failures < FREE_TRIES:
        return 0.0
    return min(LONGEST, 2.0 ** min(failures - FREE_TRIES + 1, 20))
