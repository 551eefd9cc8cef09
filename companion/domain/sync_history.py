"""SyncHistory: how one practitioner's sync went on each of the last days, as it was seen then.

Kept with the sync state as one line of text a day, which only what shows it reads.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Literal

KEPT = 35
WITHIN = (5, 15, 60, 300, 1800, 7200)
"""Seconds: delays are counted in classes, each up to one of these; the last class is above."""
_NONE = (0,) * (len(WITHIN) + 1)
Verdict = Literal["good", "mixed", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDay:
    """One local day of the practitioner."""

    day: date
    good: int = 0
    """Passes without errors."""
    failed: int = 0
    ended_well: bool = True
    """The last pass that came to an end had no error."""
    written: int = 0
    """Events added, changed and removed in Google."""
    delays: tuple[int, ...] = _NONE
    """Of changes of the book since the last good pass, by `WITHIN`: how long until Google had
    confirmed them."""
    trouble: str = ""
    """The day's last error, as a sentence."""

    @property
    def verdict(self) -> Verdict:
        if not self.failed:
            return "good"
        return "mixed" if self.ended_well else "bad"

    def __str__(self) -> str:
        delays = ",".join(map(str, self.delays))
        well = int(self.ended_well)
        words = " ".join(self.trouble.split())
        return f"{self.day} {self.good} {self.failed} {well} {self.written} {delays} {words}"


@lru_cache(maxsize=512)
def days_of(history: str) -> tuple[SyncDay, ...]:
    """Oldest first; a line that cannot be read is left out."""
    return tuple(day for line in history.splitlines() if (day := _parsed(line)) is not None)


def noted(
    history: str,
    today: date,
    *,
    ended: bool,
    written: int,
    delays: Iterable[float],
    trouble: str = "",
) -> str:
    """`history` with one more pass. `ended`: False where it was cancelled, which is neither good
    nor bad. `delays`: seconds. `trouble`: empty where it went well."""
    kept = {each.day: each for each in days_of(history) if each.day > today - timedelta(days=KEPT)}
    day = kept.get(today, SyncDay(day=today))
    counts = list(day.delays)
    for seconds in delays:
        counts[bisect_left(WITHIN, seconds)] += 1
    day = replace(day, written=day.written + written, delays=tuple(counts))
    if ended and trouble:
        day = replace(day, failed=day.failed + 1, ended_well=False, trouble=trouble)
    elif ended:
        day = replace(day, good=day.good + 1, ended_well=True)
    kept[today] = day
    return "\n".join(str(kept[each]) for each in sorted(kept))


def within(delays: Sequence[int], share: float) -> int | None:
    """Seconds within which `share` of the changes were in Google; None where that is longer than
    the longest class, or nothing was counted."""
    total = sum(delays)
    for bound, so_far in zip(WITHIN, accumulate(delays), strict=False):
        if total and so_far >= share * total:
            return bound
    return None


def _parsed(line: str) -> SyncDay | None:
    try:
        day, good, failed, well, written, delays, *trouble = line.split(" ", 6)
        counts = tuple(map(int, delays.split(",")))
        return SyncDay(
            day=date.fromisoformat(day),
            good=int(good),
            failed=int(failed),
            ended_well=well == "1",
            written=int(written),
            delays=counts if len(counts) == len(_NONE) else _NONE,
            trouble=" ".join(trouble),
        )
    except ValueError:
        return None
