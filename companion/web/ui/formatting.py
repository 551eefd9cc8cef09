"""Formats what the pages show: times, days, counts, results. Pure functions.

Times come in aware UTC and are shown in the practice's zone, the way people here write them:
day before month, twenty-four hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from companion.services.sync.progress import Progress, SyncPhase

if TYPE_CHECKING:
    from companion.services.sync.passes import PassResult


def number(count: int) -> str:
    return f"{count:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 appointment``, ``1,200 appointments``."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Bytes: ``3.2 MB``, ``45 kB``."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{max(1, count // 1000)} kB"


def lower_first(words: str) -> str:
    """To stand within a sentence."""
    return words[:1].lower() + words[1:]


def ago(moment: datetime | None, now: datetime) -> str:
    """``just now``, ``5 min ago``, ``3 h ago``, ``2 days ago``; ``never`` for None."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min ago"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} h ago"
    return f"{round(seconds / 86400)} days ago"


def exact(moment: datetime | None, timezone: str) -> str:
    """``Tue 24 Nov 2026, 09:41`` in `timezone`; empty for None."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{day(local.date(), year=True)}, {local:%H:%M}"


def short(moment: datetime, timezone: str, now: datetime) -> str:
    """``09:41`` today, ``Mon 23 Nov, 09:41`` before."""
    zone = ZoneInfo(timezone)
    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{day(local.date())}, {local:%H:%M}"


def day(value: date, *, year: bool = False) -> str:
    return f"{value:%a} {value.day} {value:%b}" + (f" {value.year}" if year else "")


def span(start: datetime, end: datetime, *, all_day: bool = False, year: bool = False) -> str:
    """A wall-clock span: ``Tue 24 Nov, 09:00–09:30``; an all-day end is exclusive. `year`: of the
    first day, or of both where they differ."""
    first, last = start.date(), end.date()
    if all_day:
        last = max(first, last - timedelta(days=1))
    begins, ends = day(first, year=year), day(last, year=year)
    if all_day:
        return f"{begins}, all day" if last == first else f"{begins} – {ends}, all day"
    if first == last:
        return f"{begins}, {start:%H:%M}–{end:%H:%M}"
    return f"{begins}, {start:%H:%M} – {ends}, {end:%H:%M}"


def local_span(start: datetime, end: datetime, timezone: str) -> str:
    """The same for aware instants; whole local days are shown as days."""
    zone = ZoneInfo(timezone)
    first = start.astimezone(zone).replace(tzinfo=None)
    last = end.astimezone(zone).replace(tzinfo=None)
    midnight = datetime.min.time()
    whole = first.time() == midnight and last.time() == midnight and last > first
    return span(first, last, all_day=whole)


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 5 else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def progress_line(progress: Progress) -> str:
    """``120 of 400, about 1 min left``; what it is doing before there are figures."""
    where = " on another workstation" if progress.elsewhere else ""
    if progress.phase is SyncPhase.PLANNING:
        return f"Comparing the book with Google{where} …"
    if not progress.total:
        return progress.text or f"Working{where} …"
    line = f"{number(progress.done)} of {number(progress.total)}{where}"
    left = progress.seconds_left
    return f"{line}, about {duration(left)} left" if left is not None and left >= 1 else line


def written(result: PassResult) -> str:
    """What one upload did: ``257 added, 32 were right already``."""
    did = [f"{number(count)} {word}" for count, word in result.written]
    if not did:
        return "nothing had to be written"
    if result.unchanged:
        did.append(f"{number(result.unchanged)} were right already")
    return ", ".join(did)


def utc(moment: datetime) -> str:
    """For a `<time datetime>` attribute."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
