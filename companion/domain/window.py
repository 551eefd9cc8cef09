"""SyncWindow: the practitioner's *Days in Arrears* and *Days in Advance* as whole local days.

Half-open: from local midnight at the start of the first day to local midnight after the last,
in the practitioner's zone. Edges in UTC would duplicate or drop an event near midnight
(OGCS 2290, 2312).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncWindow:
    first_day: date
    last_day: date
    """Inclusive."""
    timezone: str

    @classmethod
    def around(
        cls, now: datetime, timezone: str, *, days_in_arrears: int, days_in_advance: int
    ) -> SyncWindow:
        """The window on the local day of `now` (aware); both counts are at least 0."""
        today = now.astimezone(ZoneInfo(timezone)).date()
        return cls(
            first_day=today - timedelta(days=days_in_arrears),
            last_day=today + timedelta(days=days_in_advance),
            timezone=timezone,
        )

    @property
    def wall_start(self) -> datetime:
        return datetime.combine(self.first_day, time.min)

    @property
    def wall_end(self) -> datetime:
        """Exclusive."""
        return datetime.combine(self.last_day + timedelta(days=1), time.min)

    @property
    def start(self) -> datetime:
        """Aware UTC."""
        return instant(self.wall_start, self.timezone)

    @property
    def end(self) -> datetime:
        """Aware UTC, exclusive."""
        return instant(self.wall_end, self.timezone)

    def covers(self, start: datetime, end: datetime) -> bool:
        """Does the interval [start, end) of aware instants overlap the window?"""
        return start < self.end and end > self.start
