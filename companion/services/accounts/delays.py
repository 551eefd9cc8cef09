"""Delays: after failures, the next try at a password has to wait, longer each time.

Counted per name and machine, so that guessing at one screen does not keep the owner out at another,
and no user is locked out for good: three tries are free, then 2, 4, 8 … seconds up to five minutes.
A try counts as failed from its beginning, so parallel tries gain nothing. What was not tried for an
hour is forgotten, and nothing before: a machine that tries very many names has one count for all
further ones. Kept in memory only: restarting the program takes the launch token, which a guesser
does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

from companion.services.ports import Clock

FREE_TRIES = 3
LONGEST = 300.0
FORGOTTEN_AFTER = 3600.0
MOST_NAMES = 200
"""Of one machine that are counted apart. Machines are few: each was launched."""
_FURTHER = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failures:
    count: int
    since: float


class Delays:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._machines: dict[str, dict[str, _Failures]] = {}
        """By machine and name."""

    def seconds_left(self, name: str, machine: str) -> float:
        """Until the next try is taken; 0 when it may come now."""
        known = self._counts(machine).get(self._counted_as(name, machine))
        if known is None:
            return 0.0
        return max(0.0, known.since + delay_after(known.count) - self._clock.monotonic())

    def begin(self, name: str, machine: str) -> None:
        counts, key = self._counts(machine), self._counted_as(name, machine)
        count = counts[key].count + 1 if key in counts else 1
        counts[key] = _Failures(count=count, since=self._clock.monotonic())
        self._machines[machine] = counts

    def succeeded(self, name: str, machine: str) -> None:
        counts, key = self._counts(machine), self._counted_as(name, machine)
        known = counts.pop(key, None)
        if known is not None and key == _FURTHER:  # of other names too: this try only
            counts[key] = _Failures(count=known.count - 1, since=known.since)

    def _counts(self, machine: str) -> dict[str, _Failures]:
        """Without what is forgotten."""
        now = self._clock.monotonic()
        for each, counts in [*self._machines.items()]:
            for name in [n for n, known in counts.items() if now - known.since > FORGOTTEN_AFTER]:
                del counts[name]
            if not counts:
                del self._machines[each]
        return self._machines.get(machine, {})

    def _counted_as(self, name: str, machine: str) -> str:
        counts = self._machines.get(machine, {})
        return name if name in counts or len(counts) < MOST_NAMES else _FURTHER


def delay_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    if failures < FREE_TRIES:
        return 0.0
    return min(LONGEST, 2.0 ** min(failures - FREE_TRIES + 1, 20))
