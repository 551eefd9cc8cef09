"""Calendar files (.ics) as sheets: one row for each occurrence, under the names of RFC 5545.

Series are unrolled from a year ago (from the earliest single entry, if that is earlier) to two
years ahead. An occurrence has an id of its own: the UID, and for a series the moment at which its
rule puts it. What a series does that is not allowed (MINUTELY), or an entry without a start, is a
damaged row, never a lost file; so is the end of a file that was cut off. Moments are given as text
with their offset; times without a zone ("floating") take the calendar's own zone, else they stay
wall time. A zone that nobody knows stands in a column of its own, and is asked about. A sheet is
called as its calendar (X-WR-CALNAME).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from math import prod
from typing import Any

import recurring_ical_events
from icalendar import Calendar, Event, Timezone
from icalendar.parser import Contentline
from icalendar.timezone import tzp

from companion.adapters.tabular.calendar_text import (
    TEXTS,
    TIMES,
    RawCalendar,
    calendars,
    name_of,
    uid_of,
    unfolded,
)
from companion.adapters.tabular.decoding import decoded
from companion.adapters.tabular.refusals import RefusedFile
from companion.adapters.tabular.stream import SheetWriter

HEADINGS = (
    "UID", "DTSTART", "DTEND", "TZID", "ALL DAY", "SUMMARY", "LOCATION", "DESCRIPTION",
    "CATEGORIES", "ORGANIZER", "STATUS", "TRANSP", "CREATED", "LAST-MODIFIED",
)  # fmt: skip
BEFORE, AFTER = timedelta(days=366), timedelta(days=2 * 366)
_EARLIEST = timedelta(days=3_660)
"""No series is unrolled from longer ago, however old the single entries are."""
_TOO_OFTEN = ("MINUTELY", "SECONDLY", "HOURLY")
_MOST = 100_000
"""Entries, and rows."""
_NEVER = datetime(1900, 1, 1, tzinfo=UTC)
_NO_CALENDARS = ("REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH")
_MOST_A_DAY = 24
_UNREADABLE = "The entry cannot be read."
_SERIES = "Another entry of the same series cannot be read."
_CUT = "The file ends in the middle, so entries may be missing."
_NO_END = "Entries without an end were taken to last 30 minutes."


def read_calendar(content: bytes, writer: SheetWriter, now: datetime) -> None:
    """`now`: aware. Raises RefusedFile."""
    if content.count(b"BEGIN:VEVENT") > _MOST:
        raise RefusedFile("too many entries")
    tzp.use_default()  # without the zones of an earlier file
    text, note = decoded(unfolded(content))
    if note:
        writer.note(note)
    reading = _CalendarReading(writer, now.astimezone(UTC))
    for each in calendars(text):
        reading.take(each)
    if reading.rows == 0:
        raise RefusedFile("not a calendar")


class _CalendarReading:
    """All calendars of one file; neighbours of one name share a sheet."""

    def __init__(self, writer: SheetWriter, now: datetime) -> None:
        self.rows = 0
        """Written, header rows among them."""
        self._writer = writer
        self._now = now
        self._entries = 0
        self._name: str | None = None

    def take(self, raw: RawCalendar) -> None:
        method = raw.head.get("METHOD", "").upper()
        if method in _NO_CALENDARS:
            raise RefusedFile("calendar message")
        if self._entries + len(raw.entries) > _MOST:
            raise RefusedFile("too many entries")
        name = raw.head.get("X-WR-CALNAME") or raw.head.get("NAME") or ""
        if name != self._name:
            self._name = name
            self._writer.sheet(name)
            self._writer.row(1, HEADINGS)
            self.rows += 1
        for zone in raw.zones:
            _learn(zone)
        self._read(raw, cancelled=method == "CANCEL")
        if not raw.whole:
            self._writer.damaged(self._entries + 2, _CUT)

    def _read(self, raw: RawCalendar, *, cancelled: bool) -> None:
        zone = _zone(raw.head.get("X-WR-TIMEZONE", ""))
        usable: list[tuple[int, Event]] = []
        broken: set[str] = set()
        for lines in raw.entries:
            self._entries += 1
            if self._entries % 500 == 0:
                self._writer.progress(0.9 * self._entries / len(raw.entries))
            event, fault = _parsed(lines)
            if event is None or fault:
                self._writer.damaged(self._entries + 1, fault)
                broken.add(uid_of(lines or ()))
                continue
            if cancelled:
                event["STATUS"] = "CANCELLED"
            usable.append((self._entries + 1, event))
        repeated = {_uid(each) for _, each in usable if _repeats(each)}
        series: dict[str, list[Event]] = {}
        numbers: dict[str, int] = {}
        earliest = self._now - BEFORE
        for number, event in usable:
            uid = _uid(event)
            if uid in repeated:
                series.setdefault(uid, []).append(event)
                numbers.setdefault(uid, number)
            else:
                earliest = min(earliest, _instant(_day(event, "DTSTART"), earliest))
                self._row(number, event, zone)
        since = max(earliest, self._now - _EARLIEST)
        for uid, events in series.items():
            if uid in broken:  # read on, what was moved or called off would be back in its place
                self._writer.damaged(numbers[uid], _SERIES)
                continue
            try:
                found = list(_occurrences(events, since, self._now + AFTER))
            except Exception:  # noqa: BLE001 - whatever a library thinks of a hostile rule
                self._writer.damaged(numbers[uid], _UNREADABLE)
                continue
            for each in found:
                self._row(numbers[uid], each, zone)

    def _row(self, number: int, event: Event, zone: tzinfo | None) -> None:
        self.rows += 1
        if self.rows > _MOST:
            raise RefusedFile("too many entries")
        if not ("DTEND" in event or "DURATION" in event or _is_day(_day(event, "DTSTART"))):
            self._writer.note(_NO_END)
        self._writer.row(number, _cells(event, zone))


# ── entries ───────────────────────────────────────────────────────────────────────────────────


def _parsed(lines: list[str] | None) -> tuple[Event | None, str]:
    """The entry, or why it cannot be used."""
    if lines is None:
        return None, _UNREADABLE
    try:
        event = _event(lines)
        if event.errors:
            event = _event([each for each in lines if name_of(each) not in TEXTS or _is_line(each)])
        return event, _fault(event)
    except Exception:  # noqa: BLE001 - whatever a library thinks of a hostile line
        return None, _UNREADABLE


def _event(lines: Sequence[str]) -> Event:
    event = Event.from_ical("\r\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT", "")))
    if not isinstance(event, Event):
        raise TypeError
    return event


def _is_line(line: str) -> bool:
    try:
        Contentline(line).parts()  # type: ignore[no-untyped-call] # icalendar has no types here
    except ValueError:
        return False
    return True


def _fault(event: Event) -> str:
    """Why an entry cannot be used; empty where it can."""
    if any(name is None or name.upper() in TIMES for name, _ in event.errors):
        return _UNREADABLE  # read on, a lost EXDATE would bring back what was called off
    start, finish = _day(event, "DTSTART"), _day(event, "DTEND")
    if start is None:
        return "The entry has no start."
    if finish is not None and _instant(finish, _NEVER) < _instant(start, _NEVER):
        return "The entry ends before it starts."
    for rule in _rules(event):
        if start.year < 1900 or min(map(int, rule.get("INTERVAL", [1]))) < 1:
            return _UNREADABLE
        times = [len(rule.get(each, [0])) for each in ("BYHOUR", "BYMINUTE", "BYSECOND")]
        if rule.get("FREQ", [""])[0] in _TOO_OFTEN or prod(times) > _MOST_A_DAY:
            return "The entry repeats more often than daily."
    return ""


def _rules(event: Event) -> list[Any]:
    found: Any = event.get("RRULE", [])
    return found if isinstance(found, list) else [found]


def _repeats(event: Event) -> bool:
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _occurrences(events: Sequence[Event], since: datetime, until: datetime) -> Iterator[Event]:
    """Of one series, in order. Single entries never come here: two of one UID would be one."""
    alone = Calendar()
    for each in events:
        _end_as_it_starts(each)
        alone.add_component(each)
    whole_days = any(_is_day(_day(each, "DTSTART")) for each in events if _is_first(each))
    found = recurring_ical_events.of(alone).between(since, until)
    counts = Counter(_key(each, whole_days=whole_days) for each in found)
    for each in sorted(found, key=lambda event: str(_day(event, "DTSTART"))):
        event = Event(each)
        key = _key(each, whole_days=whole_days)
        # With RANGE=THISANDFUTURE several occurrences have one RECURRENCE-ID.
        event["UID"] = key if counts[key] == 1 else f"{_uid(each)}@{_day(each, 'DTSTART')}"
        yield event


def _is_first(event: Event) -> bool:
    return "RECURRENCE-ID" not in event


def _end_as_it_starts(event: Event) -> None:
    """The end of a rule without a zone is meant in that of the start, not in UTC."""
    start = _day(event, "DTSTART")
    if isinstance(start, datetime) and start.tzinfo is not None:
        for rule in _rules(event):
            ends = rule.get("UNTIL", [])
            if ends and isinstance(ends[0], datetime) and ends[0].tzinfo is None:
                rule["UNTIL"] = [ends[0].replace(tzinfo=start.tzinfo).astimezone(UTC)]


def _key(event: Event, *, whole_days: bool) -> str:
    """`whole_days`: the series is of days, whatever clock its changed occurrences name."""
    moment = _day(event, "RECURRENCE-ID") or _day(event, "DTSTART")
    if isinstance(moment, datetime) and moment.tzinfo is not None and not whole_days:
        moment = moment.astimezone(UTC)
    return f"{_uid(event)}@{moment:%Y%m%dT%H%M%S}"


# ── zones and moments ─────────────────────────────────────────────────────────────────────────


def _learn(zone: str) -> None:
    """A zone that the file describes: entries name it from now on."""
    try:
        tzp.cache_timezone_component(Timezone.from_ical(zone))
    except Exception:  # noqa: BLE001 - unusable: the name is asked about
        return


def _zone(name: str) -> tzinfo | None:
    try:
        return tzp.timezone(name) if name else None
    except (ValueError, OSError):
        return None


def _day(event: Event, name: str) -> date | None:
    """A date, or a date with its time of day; None for anything else."""
    moment = getattr(_first(event, name), "dt", None)
    return moment if isinstance(moment, date) else None


def _is_day(moment: date | None) -> bool:
    return moment is not None and not isinstance(moment, datetime)


def _instant(moment: date | None, otherwise: datetime) -> datetime:
    if not isinstance(moment, datetime) or not 1900 <= moment.year < 9000:
        return otherwise
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(moment: date, zone: tzinfo | None) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    return moment.isoformat(sep=" ", timespec="seconds")


def _unknown_zone(event: Event, moment: date) -> str | None:
    """The name of a zone that stands there and that nobody knows."""
    if not isinstance(moment, datetime) or moment.tzinfo is not None:
        return None
    named = getattr(_first(event, "DTSTART"), "params", {}).get("TZID")
    return str(named) if named else None


# ── cells ─────────────────────────────────────────────────────────────────────────────────────


def _cells(event: Event, zone: tzinfo | None) -> tuple[str | None, ...]:
    start = _day(event, "DTSTART") or date.min
    length: Any = getattr(_first(event, "DURATION"), "dt", None)
    if not isinstance(length, timedelta):
        length = timedelta(days=1) if _is_day(start) else timedelta(minutes=30)
    finish = _day(event, "DTEND") or start + length
    named = _unknown_zone(event, start)
    zone = None if named else zone
    return (
        _text(event, "UID"),
        _moment(start, zone),
        _moment(finish, zone),
        named,
        "Yes" if _is_day(start) else "No",
        _text(event, "SUMMARY"),
        _text(event, "LOCATION"),
        _text(event, "DESCRIPTION"),
        _categories(event),
        _organiser(event),
        (_text(event, "STATUS") or "CONFIRMED").upper(),
        _show_as(event),
        _stamp(event, "CREATED"),
        _stamp(event, "LAST-MODIFIED"),
    )


def _first(event: Event, name: str) -> Any:
    found = event.get(name)
    return next(iter(found), None) if isinstance(found, list) else found


def _text(event: Event, name: str) -> str | None:
    found = _first(event, name)
    return None if found is None else str(found).strip() or None


def _uid(event: Event) -> str:
    return _text(event, "UID") or ""


def _categories(event: Event) -> str | None:
    listed: Any = event.get("CATEGORIES")
    groups = listed if isinstance(listed, list) else [listed]
    return ", ".join(str(each) for group in groups for each in getattr(group, "cats", [])) or None


def _organiser(event: Event) -> str | None:
    """The name, else the address."""
    found = _first(event, "ORGANIZER")
    name = getattr(found, "params", {}).get("CN")
    address = str(found or "")
    return str(name or "").strip() or address[address.lower().startswith("mailto:") * 7 :] or None


def _show_as(event: Event) -> str | None:
    """Outlook's word, which says more than the standard's."""
    tentative = _text(event, "STATUS") == "TENTATIVE" and _text(event, "TRANSP") != "TRANSPARENT"
    own = _text(event, "X-MICROSOFT-CDO-BUSYSTATUS")
    return own or ("TENTATIVE" if tentative else _text(event, "TRANSP"))


def _stamp(event: Event, name: str) -> str | None:
    moment = _day(event, name)
    return None if moment is None else _moment(moment, None)
