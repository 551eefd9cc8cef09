"""Backup plan: when the daily backup is due, and which older ones may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

USUAL_TIME = time(12, 30)
KEPT_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    folder: str = ""
    """Where they go; empty while none are made by themselves."""
    at: time = USUAL_TIME
    """Of the practice's clock; a computer that is off or asleep then makes it when it is back."""
    other_disk: bool = False
    """The folder lay on another disk than the data folder when it was chosen."""
    sign_ins: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodBackup:
    """One that was opened and read from beginning to end after it was written."""

    path: str
    made_at: datetime
    size: int = 0
    """Bytes."""
    appointments: int = 0
    workstation: str = ""
    """Id of the one that made it, to which the path belongs; empty in a home that is not shared,
    and for those made before it was noted."""
    computer: str = ""
    """Its name then."""


def latest_time(plan: BackupPlan, now: datetime, timezone: str) -> datetime:
    """The last moment, until `now`, at which a backup was to be made."""
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), plan.at, zone).astimezone(UTC)
    if today <= now:
        return today
    yesterday = datetime.combine(local.date() - timedelta(days=1), plan.at, zone)
    return yesterday.astimezone(UTC)


def is_due(plan: BackupPlan, last: datetime | None, now: datetime, timezone: str) -> bool:
    """`last`: when the last good one was made; one from the future (the clock was wrong) counts
    for nothing."""
    if not plan.folder:
        return False
    return last is None or last > now or last < latest_time(plan, now, timezone)


def surplus(
    made: Sequence[GoodBackup], now: datetime, timezone: str, *, kept: int = KEPT_DAYS
) -> list[GoodBackup]:
    """Those that may go: of each day the last one stays, for the `kept` newest days that have one.

    However long no backup was made, `kept` stay. Those from the future stay and count for
    nothing."""
    zone = ZoneInfo(timezone)
    past = [each for each in made if each.made_at <= now]
    days: list[object] = []
    gone = []
    for each in sorted(past, key=attrgetter("made_at"), reverse=True):
        day = each.made_at.astimezone(zone).date()
        if day in days or len(days) == kept:
            gone.append(each)
        else:
            days.append(day)
    return gone


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRecord:
    """What is known of the backups that this home, or the practice, has made by itself."""

    good: tuple[GoodBackup, ...] = field(default=())
    """Oldest first; those that a person deleted since may still be named."""
    making: Mapping[str, str] = field(default_factory=dict)
    """The file that each workstation (by id) is writing; after a crash, one that it left
    unfinished."""
    failed_at: datetime | None = None
    """Of the last try, where that failed."""
    what: str = ""
    remedy: str = ""

    @property
    def last(self) -> GoodBackup | None:
        return max(self.good, key=attrgetter("made_at"), default=None)
