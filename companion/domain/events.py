"""CalendarEvent: one occurrence exactly as one destination may see it, and `project()`.

This is the only place where an appointment becomes words that leave the book. Google, feed, export
and every preview show the same projection, so a hidden name cannot leak elsewhere: it is also
removed from free text (notes, type, location; see `redaction`).

`fingerprint` covers the fields we own in Google: time, title, place, description, show-as,
visibility. `style` (colour, reminder) may be changed by the practitioner and is compared
separately.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    ShowAs,
    fold_name,
    instant,
    interval,
    occurrences,
)
from companion.domain.client_names import NOBODY, ClientNames
from companion.domain.disclosure import Disclosure, DisclosureItem
from companion.domain.window import SyncWindow
from companion.domain.wording import EventWording

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class CalendarEvent(NamedTuple):
    """Made by keyword. A tuple, since a projection makes a hundred thousand of them and a frozen
    dataclass sets each field by a call of its own."""

    key: str
    """Appointment id + original start; opaque, no client data."""
    start: datetime | date
    """Aware UTC; a `date` when all-day."""
    end: datetime | date
    """Exclusive; same type as `start`."""
    timezone: str
    """IANA zone for display: the book's, or the window's for all-day events, whose dates are the
    reader's own days wherever they were booked."""
    summary: str
    location: str = ""
    description: str = ""
    show_as: ShowAs = ShowAs.BUSY
    private: bool = True
    reminder_minutes: int | None = None
    """None for the calendar's own, `NO_REMINDER` for none at all."""
    colour: str = ""
    """Google's colorId ("1" to "11") or empty for the calendar's own."""
    sequence: int = 0
    """Feeds only; never lowers for a key."""
    changed_at: datetime = EPOCH
    """Feeds only; aware UTC, never lowers for a key."""

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    @property
    def begins(self) -> datetime:
        """Aware UTC; local midnight for all-day."""
        return as_instant(self.start, self.timezone)

    @property
    def ends(self) -> datetime:
        """Aware UTC, exclusive."""
        return as_instant(self.end, self.timezone)

    @property
    def content(self) -> Content:
        return Content(
            start=self.start,
            end=self.end,
            summary=self.summary,
            location=self.location,
            description=self.description,
            availability=BusyStatus.of(self.show_as),
            private=self.private,
        )

    @property
    def fingerprint(self) -> str:
        """That of `content`, without making one: plans ask for a hundred thousand."""
        return _fingerprint(
            self.start,
            self.end,
            self.summary,
            self.location,
            self.description,
            BusyStatus.of(self.show_as),
            self.private,
        )

    @property
    def style(self) -> str:
        """What the practitioner may change in Google: see `style_of`."""
        return style_of(self.colour, self.reminder_minutes)


class BusyStatus(StrEnum):
    """Show-as, as far as Google and RFC 5545 can express it."""

    BUSY = "busy"
    TENTATIVE = "tentative"
    FREE = "free"

    @classmethod
    def of(cls, show_as: ShowAs) -> BusyStatus:
        """*Out of office* is busy: Google keeps that event type for primary calendars."""
        return _AVAILABILITIES.get(show_as, cls.BUSY)


_AVAILABILITIES = {
    ShowAs.TENTATIVE: BusyStatus.TENTATIVE,
    ShowAs.FREE: BusyStatus.FREE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The fields we own, desired or as Google holds them; the two compare by `fingerprint`."""

    start: datetime | date
    end: datetime | date
    summary: str
    location: str
    description: str
    availability: BusyStatus
    private: bool

    @property
    def fingerprint(self) -> str:
        """32 hex digits."""
        return _fingerprint(
            self.start,
            self.end,
            self.summary,
            self.location,
            self.description,
            self.availability,
            self.private,
        )


def _fingerprint(
    start: datetime | date,
    end: datetime | date,
    summary: str,
    location: str,
    description: str,
    availability: BusyStatus,
    private: bool,
) -> str:
    # None of our texts holds the separator, so no two contents of ours read the same.
    text = "\x1f".join(
        (_stamp(start), _stamp(end), summary, location, description, availability, str(private))
    )
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


@lru_cache(maxsize=16_384)
def _stamp(moment: datetime | date) -> str:
    """Never the same for a day and for a moment."""
    return str(moment.timestamp()) if isinstance(moment, datetime) else moment.isoformat()


def style_of(colour: str, reminder_minutes: int | None) -> str:
    """``colour|reminder``, each empty for the calendar's own default."""
    return f"{colour}|{'' if reminder_minutes is None else reminder_minutes}"


def as_instant(moment: datetime | date, timezone: str) -> datetime:
    """Aware UTC; of a date, its midnight in `timezone`."""
    if isinstance(moment, datetime):
        return moment
    return instant(datetime.combine(moment, time.min), timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStyle:
    """How one practitioner's events look in Google, beside what they say."""

    colour: str = ""
    """Google's colorId, or empty for the calendar's own."""
    type_colours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Appointment type, folded, to colorId: of events that show their type."""
    reminder: int | None = None
    """Minutes before a timed event of which the book says nothing, as in
    `Appointment.reminder_minutes`."""


PLAIN = EventStyle()


def project(
    appointments: Iterable[Appointment],
    window: SyncWindow,
    disclosure: Disclosure,
    *,
    names: ClientNames = NOBODY,
    practitioner_name: str = "",
    style: EventStyle = PLAIN,
    disclosure_revision: int = 0,
    disclosure_changed_at: datetime = EPOCH,
) -> list[CalendarEvent]:
    """The events one destination shows inside `window`, by start and key.

    Recurring meetings become one event per occurrence, cancelled ones vanish, names are masked:
    the appointment's own client's, and everybody's in `names`, which free text may hold.
    `disclosure_revision` counts changes of what is shown, so that SEQUENCE also rises when only
    the disclosure changed.
    """
    slack = timedelta(days=2)  # the book's zone may differ from the window's
    after, before = window.wall_start - slack, window.wall_end + slack
    first, last = window.start, window.end
    wording = EventWording(disclosure, practitioner_name, names)
    reminds = DisclosureItem.REMINDER in disclosure.items
    colours = style.type_colours if DisclosureItem.TYPE in disclosure.items else {}
    found: list[tuple[datetime, str, CalendarEvent]] = []
    for appointment in appointments:
        if not disclosure.admits(appointment):
            continue
        texts = wording.texts(appointment)
        private = texts.masked or appointment.kind is not AppointmentKind.MEETING
        timezone = window.timezone if appointment.all_day else appointment.timezone
        colour, reminder = style.colour, None
        if colours and not texts.masked:
            colour = colours.get(fold_name(appointment.appointment_type), colour)
        if not appointment.all_day:
            reminder = appointment.reminder_minutes if reminds else None
            reminder = style.reminder if reminder is None else reminder
        for occurrence in occurrences(appointment, after, before):
            start: datetime | date
            end: datetime | date
            if appointment.all_day:
                start, end = occurrence.start.date(), occurrence.end.date()
                begins, ends = as_instant(start, timezone), as_instant(end, timezone)
            else:
                begins, ends = interval(occurrence.start, occurrence.end, timezone)
                start, end = begins, ends
            if begins >= last or ends <= first:
                continue
            event = CalendarEvent(
                key=occurrence.key,
                start=start,
                end=end,
                timezone=timezone,
                summary=wording.summary(texts, occurrence),
                location=wording.location(texts, occurrence),
                description=wording.description(texts, occurrence),
                show_as=occurrence.show_as,
                private=private,
                reminder_minutes=reminder,
                colour=colour,
                sequence=appointment.revision + disclosure_revision,
                changed_at=max(appointment.changed_at, disclosure_changed_at),
            )
            found.append((begins, event.key, event))
    found.sort(key=itemgetter(0, 1))
    return [event for _, _, event in found]
