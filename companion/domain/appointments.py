"""The appointment book's nouns: Appointment, Practitioner, and recurring meetings.

Times in the book are *wall time*: a naive `datetime` as written on the clinic's clock, together
with an IANA zone name. `instant()` turns wall time into UTC by the stated rule:

- a wall time that occurs twice (clocks go back) means its first occurrence;
- a wall time that does not exist (clocks go forward) is moved on by the length of the gap,
  so 02:30 becomes 03:30, as RFC 5545 3.3.5 asks;
- an end that is then no longer after its start is placed the wall-clock duration after it.

A recurring meeting is one Appointment with a `Recurrence`: an RRULE on wall time and the list of
occurrences that were moved, altered or cancelled, each named by its original start.
Names follow FHIR (Appointment, Practitioner, booked, cancelled) and the vendor's form.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from companion.domain.errors import BadInput
from companion.domain.event_keys import EventKey

NO_REMINDER = -1


class AppointmentKind(StrEnum):
    CLIENT = "client"
    CASUAL = "casual"
    MEETING = "meeting"


class AppointmentStatus(StrEnum):
    BOOKED = "booked"
    CANCELLED = "cancelled"
    """Also no-shows and postponed ones: the vendor's *Cancelled* tick box."""


class ShowAs(StrEnum):
    BUSY = "busy"
    TENTATIVE = "tentative"
    OUT_OF_OFFICE = "out of office"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    id: str
    """Permanent, opaque, of a-z 0-9 and hyphens."""
    name: str
    """As the practice software displays it."""
    email: str = ""
    timezone: str = "Australia/Sydney"
    colour: str = ""
    """``#rrggbb`` or empty for the next of the palette."""
    display_order: int = 0
    aliases: tuple[str, ...] = ()
    """Other spellings of the name met in exports."""

    def matches_name(self, name: str) -> bool:
        wanted = fold_name(name)
        return wanted in {fold_name(known) for known in (self.name, *self.aliases)}


def fold_name(name: str) -> str:
    """A name as compared: no case, single spaces, one form of accents (NFC)."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceChange:
    """One occurrence of a series that differs from it; None means "as the series"."""

    original_start: datetime
    """Wall time at which the rule puts this occurrence: its permanent name."""
    cancelled: bool = False
    start: datetime | None = None
    end: datetime | None = None
    title: str | None = None
    location: str | None = None
    notes: str | None = None
    show_as: ShowAs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    rule: str
    """RFC 5545 RRULE value on wall time, e.g. ``FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10``.

    UNTIL, where used, is wall time too (no Z)."""
    changes: tuple[OccurrenceChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    id: str
    """Permanent. For imported ones as `appointment_id` made it, so that what returns to the book,
    also to one that was restored, has the id that it had."""
    practitioner_id: str
    kind: AppointmentKind
    start: datetime
    """Wall time; midnight of the first day when `all_day`."""
    end: datetime
    """Wall time, after `start`; midnight after the last day when `all_day` (exclusive)."""
    timezone: str
    all_day: bool = False
    status: AppointmentStatus = AppointmentStatus.BOOKED
    show_as: ShowAs = ShowAs.BUSY
    title: str = ""
    """Of a meeting; or of a casual appointment, where it may name a walk-in, so that it is
    then disclosed like a name."""
    appointment_type: str = ""
    """Consultation type or meeting type."""
    client_id: str = ""
    client_first_name: str = ""
    client_last_name: str = ""
    location: str = ""
    visit_address: str = ""
    """Where the client is visited."""
    telehealth_link: str = ""
    """``https`` address of a video call."""
    notes: str = ""
    reminder_minutes: int | None = None
    """`NO_REMINDER` for none at all; None where nothing is said."""
    recurring: bool = False
    """An imported member of a series: one row, one id per occurrence."""
    recurrence: Recurrence | None = None
    """A series kept in our own book."""
    source: str = "book"
    """Name of the import source; ``book`` for the Appointment Book screen."""
    source_id: str = ""
    created: datetime | None = None
    """Aware, UTC, where the source says it."""
    created_by: str = ""
    updated: datetime | None = None
    """Aware, UTC: the source's own last change."""
    revision: int = 0
    """Raised by the book at each change: SEQUENCE in feeds."""
    changed_at: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC))
    """Aware, UTC: when the book last saw a change; DTSTAMP in feeds."""

    @property
    def cancelled(self) -> bool:
        return self.status is AppointmentStatus.CANCELLED

    @property
    def in_series(self) -> bool:
        return self.recurring or self.recurrence is not None

    @property
    def client_name(self) -> str:
        return f"{self.client_first_name} {self.client_last_name}".strip()

    def changed(self, **changes: Any) -> Appointment:
        """As `dataclasses.replace`, three times as fast: an import makes each one three times."""
        made = object.__new__(Appointment)
        for name, value in zip(_FIELDS, _values_of(self), strict=True):
            object.__setattr__(made, name, value)
        for name, value in changes.items():
            object.__setattr__(made, name, value)
        return made


_FIELDS = tuple(each.name for each in fields(Appointment))
_values_of: Callable[[Appointment], tuple[Any, ...]] = attrgetter(*_FIELDS)


class Occurrence(NamedTuple):
    """One time at which an appointment takes place, its own changes applied. Made by keyword; a
    tuple, since a projection makes a hundred thousand of them."""

    appointment: Appointment
    original_start: datetime
    start: datetime
    end: datetime
    change: OccurrenceChange | None = None

    @property
    def title(self) -> str:
        changed = self.change.title if self.change else None
        return self.appointment.title if changed is None else changed

    @property
    def location(self) -> str:
        changed = self.change.location if self.change else None
        return self.appointment.location if changed is None else changed

    @property
    def notes(self) -> str:
        changed = self.change.notes if self.change else None
        return self.appointment.notes if changed is None else changed

    @property
    def show_as(self) -> ShowAs:
        changed = self.change.show_as if self.change else None
        return self.appointment.show_as if changed is None else changed

    @property
    def key(self) -> str:
        """Permanent name in ledger, Google and feed: appointment id + original start."""
        if self.appointment.recurrence is None:
            return self.appointment.id
        return str(EventKey.of_occurrence(self.appointment.id, self.original_start))


def appointment_id(source: str, source_id: str, key: bytes) -> str:
    """The permanent id of an imported appointment: 32 hex digits.

    Google and phones see it, and a source's id may be made of a client's name: without `key`, the
    practice's secret, nobody can try names until one fits. (It is the keyed hash of a hash, because
    ids were once that hash alone.)"""
    plain = hashlib.sha256(f"{source}\x1f{source_id}".encode()).hexdigest()[:26]
    return hmac.digest(key, plain.encode(), "sha256").hex()[:32]


@lru_cache(maxsize=16_384)
def instant(wall: datetime, timezone: str) -> datetime:
    """Wall time to aware UTC by the module's rule; `timezone` is an IANA name. A practice has few
    times of day, so most have been asked for before."""
    return wall.replace(tzinfo=ZoneInfo(timezone), fold=0).astimezone(UTC)


def wall_time(moment: datetime, timezone: str) -> datetime:
    """What a clock in `timezone` shows at this (aware) moment."""
    return moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def interval(start: datetime, end: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Both ends in aware UTC, the end always after the start."""
    first, last = instant(start, timezone), instant(end, timezone)
    if last <= first:
        last = first + (end - start)
    return first, last


def occurrences(
    appointment: Appointment, after: datetime, before: datetime
) -> Iterator[Occurrence]:
    """Occurrences that overlap the wall-time span [after, before), cancelled ones left out.

    A cancelled *appointment* yields nothing. A moved occurrence counts where it was moved to,
    even when the rule puts it outside the span.
    """
    if appointment.cancelled:
        return
    if appointment.recurrence is None:
        if appointment.start < before and appointment.end > after:
            yield Occurrence(
                appointment=appointment,
                original_start=appointment.start,
                start=appointment.start,
                end=appointment.end,
            )
        return
    length = appointment.end - appointment.start
    changes = {change.original_start: change for change in appointment.recurrence.changes}
    for original in starts_from(appointment, after - length):
        if original >= before:
            break
        if original not in changes and original + length > after:
            yield Occurrence(
                appointment=appointment,
                original_start=original,
                start=original,
                end=original + length,
            )
    for original, change in changes.items():
        if change.cancelled:
            continue
        start = original if change.start is None else change.start
        moved = Occurrence(
            appointment=appointment,
            original_start=original,
            start=start,
            end=start + length if change.end is None else change.end,
            change=change,
        )
        if moved.start < before and moved.end > after and in_series(appointment, original):
            yield moved


def in_series(appointment: Appointment, original: datetime) -> bool:
    """Does the rule still make this start? A change named by another has lost its meaning."""
    return next(starts_from(appointment, original), None) == original


def starts_from(appointment: Appointment, moment: datetime) -> Iterator[datetime]:
    """Original starts of a series from `moment` (wall time, inclusive) on.

    dateutil counts from the first occurrence, three milliseconds for a daily lunch of three
    years; a rule without COUNT is the same when it begins whole periods later."""
    if appointment.recurrence is None:
        return iter(())
    rule, start = appointment.recurrence.rule, appointment.start
    period = _period(rule)
    if period is not None and moment - start > 2 * period:
        start += ((moment - start) // period - 1) * period
    try:
        return iter(parse_rule(rule, start).xafter(moment, inc=True))
    except BadInput:
        if start == appointment.start:
            raise
        return iter(())  # it had ended by then


@lru_cache(maxsize=1024)
def _period(rule: str) -> timedelta | None:
    """After how long a daily or weekly rule repeats itself; None for any other."""
    parts = dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)
    days = {"DAILY": 1, "WEEKLY": 7}.get(parts.get("FREQ", ""))
    if days is None or parts.keys() - {"FREQ", "INTERVAL", "BYDAY", "UNTIL", "WKST"}:
        return None
    interval = parts.get("INTERVAL", "1")
    return timedelta(days=days * int(interval)) if interval.isdecimal() and int(interval) else None


_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_PARTS = {
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST",
}  # fmt: skip


@lru_cache(maxsize=4096)
def parse_rule(rule: str, start: datetime) -> rrule:
    """The rule as dateutil's; raises BadInput for one we do not keep (sub-daily, empty, wrong).

    dateutil would search for ever with an interval of nought.
    """
    try:
        parts = dict(part.split("=", 1) for part in rule.upper().split(";"))
    except ValueError:
        parts = {}
    known = parts.get("FREQ") in _FREQUENCIES and _PARTS.issuperset(parts)
    if not known or not re.fullmatch(r"0*[1-9]\d*", parts.get("INTERVAL", "1"), re.ASCII):
        raise BadInput("The repetition is not one we know.", field="recurrence")
    try:
        parsed = rrulestr(rule, dtstart=start)
        first = next(iter(parsed), None)
    except (ValueError, TypeError) as error:
        raise BadInput("The repetition cannot be read.", field="recurrence") from error
    if not isinstance(parsed, rrule) or first is None:
        raise BadInput("The repetition never takes place.", field="recurrence")
    return parsed


def check_times(start: datetime, end: datetime, *, all_day: bool) -> None:
    """Raise BadInput unless these are the times of a possible appointment."""
    if end <= start:
        raise BadInput("It ends before it starts.", "Correct the start or the end.", field="end")
    _check_year(start)
    if end - start > timedelta(days=366):
        raise BadInput("It is longer than a year.", field="end")
    if all_day and (start.time() != datetime.min.time() or end.time() != datetime.min.time()):
        raise BadInput("An all-day appointment has no times of day.", field="all_day")


def _check_year(moment: datetime) -> None:
    if not 1990 <= moment.year < 2200:
        raise BadInput("The year is not a plausible one.", field="start")


def check_whole(appointment: Appointment) -> None:
    """Raise BadInput, or ValueError for its zone, unless it is one that the book could have taken
    in: of an appointment that somebody else has kept meanwhile."""
    check_times(appointment.start, appointment.end, all_day=appointment.all_day)
    ZoneInfo(appointment.timezone)
    if appointment.recurrence is not None:
        parse_rule(appointment.recurrence.rule, appointment.start)
        for change in appointment.recurrence.changes:
            for moment in (change.original_start, change.start, change.end):
                _check_year(moment or appointment.start)
