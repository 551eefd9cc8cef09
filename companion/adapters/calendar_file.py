"""Calendar files (.ics) as sheets: one row for each occurrence, under the names of RFC 5545.

Series are unrolled between a year ago and two years ahead. An occurrence has an id of its own:
the UID, and for a series the moment at which its rule puts it. What a series does that is not
allowed (MINUTELY), or an event without a start, is a damaged row, never a lost file. Moments are
given as text with their offset; times without a zone ("floating") take the calendar's own zone,
else they stay wall time. The sheet is called as the calendar (X-WR-CALNAME).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import recurring_ical_events
from icalendar import Calendar, Event

from companion.domain.errors import FileRefused
from companion.services.workbooks import Sheet, SheetRow

HEADINGS = (
    "UID", "DTSTART", "DTEND", "ALL DAY", "SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES",
    "STATUS", "TRANSP", "CREATED", "LAST-MODIFIED",
)  # fmt: skip
BEFORE, AFTER = timedelta(days=366), timedelta(days=2 * 366)
_TOO_OFTEN = ("MINUTELY", "SECONDLY", "HOURLY")
_LIMIT = 100_000


def sheets_of_calendar(content: bytes, now: datetime) -> Sequence[Sheet]:
    """Raises FileRefused for what is no calendar."""
    try:
        calendars = Calendar.from_ical(content, multiple=True)
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise FileRefused(
            "This calendar file cannot be read.",
            "Export it again, as an .ics file.",
            detail=type(error).__name__,
        ) from None  # the cause may carry an entry
    return [_sheet(each, now) for each in calendars]


def _sheet(calendar: Calendar, now: datetime) -> Sheet:
    zone = _zone(str(calendar.get("X-WR-TIMEZONE", "")))
    rows = [SheetRow(1, HEADINGS)]
    damaged: list[tuple[int, str]] = []
    usable: list[Event] = []
    for number, event in enumerate(calendar.events, 2):
        fault = _fault(event)
        if fault:
            damaged.append((number, fault))
        else:
            usable.append(event)
    for number, event in enumerate(_occurrences(usable, calendar, now), 2):
        rows.append(SheetRow(number, _cells(event, zone)))
        if len(rows) > _LIMIT:
            raise FileRefused("This calendar file holds too many entries.", "Export fewer days.")
    name = str(calendar.get("X-WR-CALNAME", "") or calendar.get("NAME", ""))
    return Sheet(name=name, rows=rows, damaged=damaged)


def _fault(event: Event) -> str:
    """Why an event cannot be used; empty where it can."""
    try:
        if _day(event, "DTSTART") is None:
            return "The entry has no start."
        rules: Any = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if {str(each) for each in rule.get("FREQ", [])} & {*_TOO_OFTEN}:
                return "The entry repeats more often than daily."
    except (AttributeError, ValueError, TypeError):
        return "The entry cannot be read."
    return ""


def _occurrences(events: Sequence[Event], calendar: Calendar, now: datetime) -> Iterator[Event]:
    """Single events as they are; series unrolled. Two plain events may share a UID, which the
    unrolling would lose, so it sees series alone."""
    repeated = {str(each.get("UID")) for each in events if _repeats(each)}
    series = [each for each in events if str(each.get("UID")) in repeated]
    yield from (each for each in events if str(each.get("UID")) not in repeated)
    if not series:
        return
    alone = Calendar()
    for zone in calendar.walk("VTIMEZONE"):
        alone.add_component(zone)
    for each in series:
        alone.add_component(each)
    found = recurring_ical_events.of(alone, skip_bad_series=True).between(
        now.astimezone(UTC) - BEFORE, now.astimezone(UTC) + AFTER
    )
    counts = Counter(_key(each) for each in found)
    for each in sorted(found, key=lambda event: str(_day(event, "DTSTART"))):
        event = Event(each)
        key = _key(each)
        # With RANGE=THISANDFUTURE several occurrences have one RECURRENCE-ID.
        event["UID"] = key if counts[key] == 1 else f"{each.get('UID')}@{_day(each, 'DTSTART')}"
        yield event


def _repeats(event: Event) -> bool:
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _key(event: Event) -> str:
    moment = _day(event, "RECURRENCE-ID") or _day(event, "DTSTART")
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return f"{event.get('UID')}@{moment:%Y%m%dT%H%M%S}"


def _day(event: Event, name: str) -> date | None:
    """A date, or a date with its time of day; None for anything else."""
    found: Any = event.get(name)
    moment = getattr(found, "dt", None)
    return moment if isinstance(moment, date) else None


def _cells(event: Event, zone: ZoneInfo | None) -> tuple[str | None, ...]:
    start = _day(event, "DTSTART") or date.min
    all_day = not isinstance(start, datetime)
    length: Any = getattr(event.get("DURATION"), "dt", None)
    if not isinstance(length, timedelta):
        length = timedelta(days=1) if all_day else timedelta(minutes=30)
    finish = _day(event, "DTEND") or start + length
    return (
        _text(event, "UID"),
        _moment(start, zone),
        _moment(finish, zone),
        "Yes" if all_day else "No",
        _text(event, "SUMMARY"),
        _text(event, "LOCATION"),
        _text(event, "DESCRIPTION"),
        _categories(event),
        _text(event, "STATUS") or "CONFIRMED",
        _text(event, "TRANSP"),
        _stamp(event, "CREATED"),
        _stamp(event, "LAST-MODIFIED"),
    )


def _text(event: Event, name: str) -> str | None:
    return str(event.get(name, "")).strip() or None


def _categories(event: Event) -> str | None:
    listed: Any = event.get("CATEGORIES")
    if listed is None:
        return None
    groups = listed if isinstance(listed, list) else [listed]
    return ", ".join(str(each) for group in groups for each in getattr(group, "cats", [])) or None


def _stamp(event: Event, name: str) -> str | None:
    moment = _day(event, name)
    return None if moment is None else _moment(moment, None)


def _moment(moment: date, zone: ZoneInfo | None) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    return moment.isoformat(sep=" ", timespec="seconds")


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
