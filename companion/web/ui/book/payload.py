"""What is sent to the calendar: entries of the book as plain dictionaries. Pure functions.

A person's words are sent and set as text, never as HTML. Each entry carries its state three times:
as small icons, in a tooltip, and spoken for a screen reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from companion.domain.appointments import Appointment, AppointmentKind, Practitioner, ShowAs
from companion.domain.availability import WorkingHours
from companion.services.book.booking import OWN
from companion.services.book.marks import Mark
from companion.services.book.view import BookEntry
from companion.web.ui import formatting

Payload = dict[str, Any]
OPENING, CLOSING = time(7), time(19)
"""Shown at least."""

MARKS: Mapping[Mark, tuple[str, str]] = {
    Mark.IN_GOOGLE: ("check_circle", "ok"),
    Mark.WAITING: ("schedule", "info"),
    Mark.HELD: ("pause_circle", "warn"),
    Mark.OUTSIDE: ("date_range", "calm"),
    Mark.EXCLUDED: ("block", "calm"),
    Mark.LEFT_OUT: ("person_off", "warn"),
}
MARK_WORDS: Mapping[Mark, str] = {
    Mark.IN_GOOGLE: "in Google",
    Mark.WAITING: "waiting for the next sync",
    Mark.HELD: "removal held",
    Mark.OUTSIDE: "not in the days kept in Google",
    Mark.EXCLUDED: "does not go to Google",
    Mark.LEFT_OUT: "left out, deleted in Google",
}
KIND_ICONS = {
    AppointmentKind.CLIENT: "person",
    AppointmentKind.CASUAL: "directions_walk",
    AppointmentKind.MEETING: "groups",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerColumn:
    """One practitioner as the screen shows them."""

    practitioner: Practitioner
    colour: str
    hours: tuple[WorkingHours, ...] = ()


def title_of(appointment: Appointment, title: str) -> str:
    """The name a person looks for: the client's, else the title, else the type."""
    return (
        appointment.client_name
        or title
        or appointment.appointment_type
        or (f"Client {appointment.client_id}" if appointment.client_id else "")
        or appointment.kind.capitalize()
    )


def resources(columns: Iterable[PractitionerColumn]) -> list[Payload]:
    return [
        {
            "id": each.practitioner.id,
            "title": each.practitioner.name,
            "extendedProps": {"colour": each.colour},
        }
        for each in columns
    ]


def event_of(
    entry: BookEntry, column: PractitionerColumn, *, named: bool = False, edits: bool = True
) -> Payload:
    """`named`: with the practitioner's name, where no column shows it. `edits`: may be
    moved, if anything may."""
    occurrence, appointment = entry.occurrence, entry.appointment
    title = title_of(appointment, occurrence.title)
    imported = appointment.source != OWN
    second = [
        appointment.appointment_type if appointment.appointment_type != title else "",
        occurrence.location,
        column.practitioner.name if named else "",
    ]
    facts = ", ".join(_facts(entry, imported=imported))
    moves = edits and not imported and not entry.shown.cancelled
    whole = appointment.all_day or occurrence.start.date() != occurrence.end.date()
    return {
        "id": occurrence.key,
        "resourceIds": [column.practitioner.id],
        "start": _text(occurrence.start),
        "end": _text(occurrence.end),
        "allDay": appointment.all_day,
        "title": title,
        # Of `editable` EventCalendar takes no notice while dragging is allowed at all.
        "startEditable": moves,
        "durationEditable": moves,
        "classNames": _classes(entry, imported=imported),
        "styles": [f"--who:{column.colour}"],
        "extendedProps": {
            "key": occurrence.key,
            "revision": appointment.revision,
            "practitioner": column.practitioner.id,
            "time": f"{occurrence.start:%H:%M}–{occurrence.end:%H:%M}",
            "second": " · ".join(filter(None, second)),
            "icons": _icons(entry, imported=imported),
            "when": formatting.span(occurrence.start, occurrence.end, all_day=appointment.all_day)
            if whole
            else "",
            "notes": occurrence.notes[:300],
            "spoken": f", with {column.practitioner.name}, {facts}",
            "facts": facts.capitalize(),
            "imported": imported,
            "cancelled": entry.shown.cancelled,
        },
    }


def _facts(entry: BookEntry, *, imported: bool) -> list[str]:
    appointment, show_as = entry.appointment, entry.occurrence.show_as
    facts = [
        f"{appointment.kind} appointment" if appointment.kind != "meeting" else "meeting",
        "cancelled" if entry.shown.cancelled else "",
        show_as.value if show_as is not ShowAs.BUSY else "",
        "repeats" if appointment.in_series else "",
        "moved from its usual time" if entry.shown.moved else "",
        f"imported from {appointment.source}" if imported else "",
        MARK_WORDS.get(entry.mark, ""),
    ]
    return [each for each in facts if each]


def _icons(entry: BookEntry, *, imported: bool) -> list[list[str]]:
    appointment = entry.appointment
    icons = [[KIND_ICONS[appointment.kind], "calm"]]
    if appointment.in_series:
        icons.append(["edit_calendar" if entry.shown.moved else "repeat", "calm"])
    if entry.occurrence.show_as is ShowAs.TENTATIVE:
        icons.append(["help_outline", "calm"])
    if imported:
        icons.append(["lock", "calm"])
    if entry.mark in MARKS:
        icons.append(list(MARKS[entry.mark]))
    return icons


def _classes(entry: BookEntry, *, imported: bool) -> list[str]:
    classes = ["book-event", f"book-event--{entry.appointment.kind}"]
    if entry.shown.cancelled:
        classes.append("book-event--cancelled")
    if entry.occurrence.show_as is not ShowAs.BUSY:
        classes.append(f"book-event--{entry.occurrence.show_as.replace(' ', '-')}")
    if imported:
        classes.append("book-event--imported")
    return classes


def page_of(
    entries: Sequence[BookEntry],
    columns: Sequence[PractitionerColumn],
    *,
    view: str,
    days: tuple[date, date],
    edits: bool,
) -> Payload:
    """What the calendar draws, and how; `days` are the first and the last."""
    first, last = days
    shown = limits(entries, columns)
    slot_min, slot_max = slot_times(shown)
    by_id = {each.practitioner.id: each for each in columns}
    named = view == "list" and len(columns) > 1
    events = [
        event_of(each, by_id[each.appointment.practitioner_id], named=named, edits=edits)
        for each in entries
    ]
    if view not in {"list", "month"}:
        every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        events += off_hours(columns, every, shown)
    return {
        "options": {
            "resources": resources(columns),
            "slotMinTime": slot_min,
            "slotMaxTime": slot_max,
            "date": first.isoformat(),
            "view": view,
            "selectable": edits,
        },
        "events": events,
    }


def off_hours(
    columns: Iterable[PractitionerColumn], days: Sequence[date], limits: tuple[time, time]
) -> list[Payload]:
    """Grey stretches outside working hours; none for a practitioner without working hours."""
    shades: list[Payload] = []
    opening, closing = limits
    for column in columns:
        if not column.hours:
            continue
        for day in days:
            free_from = opening
            working = [each for each in column.hours if each.weekday == day.weekday()]
            for each in working:
                if each.start > free_from:
                    shades.append(_shade(column, day, free_from, each.start))
                free_from = max(free_from, each.end)
            if free_from < closing:
                shades.append(_shade(column, day, free_from, closing))
    return shades


def _shade(column: PractitionerColumn, day: date, start: time, end: time) -> Payload:
    first = datetime.combine(day, start)
    return {
        "id": f"off/{column.practitioner.id}/{first:%Y%m%dT%H%M}",
        "resourceIds": [column.practitioner.id],
        "start": _text(first),
        "end": _text(datetime.combine(day, end)),
        "display": "background",
        "title": "",
        "extendedProps": {},
    }


def limits(
    entries: Iterable[BookEntry], columns: Iterable[PractitionerColumn]
) -> tuple[time, time]:
    """Whole hours of day that hold everything, 7:00 to 19:00 at least; midnight is 23:59."""
    first, last = OPENING, CLOSING
    for column in columns:
        for hours in column.hours:
            first, last = min(first, hours.start), max(last, hours.end)
    for entry in entries:
        if entry.appointment.all_day:
            continue
        start, end = entry.occurrence.start, entry.occurrence.end
        one_day = (end - timedelta(microseconds=1)).date() == start.date()
        first = min(first, start.time() if one_day else time())
        last = max(last, end.time() if one_day and end.time() != time() else time(23, 59))
    return first.replace(minute=0), last


def slot_times(limits: tuple[time, time]) -> tuple[str, str]:
    """As EventCalendar's slotMinTime and slotMaxTime."""
    first, last = limits
    upto = last.hour + (1 if last.minute else 0)
    return f"{first.hour:02}:00:00", f"{upto:02}:00:00"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
