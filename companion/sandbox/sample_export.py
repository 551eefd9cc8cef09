"""The sample practice's imported part as a file, in the Bp-Allied-style layout.

A second, `later` export differs from the first by a handful of everyday changes, so that a newcomer
sees an import do something small and legible.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Practitioner,
)
from companion.sandbox.sample_names import OPENING

COLUMNS = (
    "Appointment ID",
    "Type",
    "Client ID",
    "Client First Name",
    "Client Last Name",
    "Meeting Type",
    "Consultation Type",
    "Start",
    "End",
    "All Day",
    "Practitioner",
    "Location",
    "Status",
    "Cancelled",
    "Recurring",
    "Notes",
    "Created",
    "Created By",
    "Updated",
)


def write_csv(rows: Iterable[Appointment], practitioners: Iterable[Practitioner]) -> str:
    """The text of a file, with Windows line ends as the practice software writes them."""
    people = {person.id: person.name for person in practitioners}
    written = io.StringIO(newline="")
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows(_row(each, people[each.practitioner_id]) for each in rows)
    return written.getvalue()


def later(imported: Sequence[Appointment], today: date) -> list[Appointment]:
    """Two days' work at reception: three moved, two cancelled, one noted, one gone, two new."""
    rows = list(imported)
    upcoming = [
        index
        for index, each in enumerate(rows)
        if each.kind is AppointmentKind.CLIENT and not each.cancelled and each.start.date() > today
    ]
    picked = upcoming[3::29]
    zone = ZoneInfo(rows[0].timezone)
    for index in picked[:6]:
        touched = datetime.combine(today, OPENING, tzinfo=zone).astimezone(UTC)
        rows[index] = replace(rows[index], updated=touched)
    for index in picked[:3]:
        shift = timedelta(days=1, minutes=30)
        rows[index] = replace(
            rows[index], start=rows[index].start + shift, end=rows[index].end + shift
        )
    for index in picked[3:5]:
        rows[index] = replace(rows[index], status=AppointmentStatus.CANCELLED)
    rows[picked[5]] = replace(rows[picked[5]], notes="Bring the referral letter 📄")
    new = [
        replace(
            rows[index],
            source_id=f"A{9000 + index}",
            start=rows[index].start.replace(hour=17, minute=30),
            end=rows[index].start.replace(hour=18, minute=0),
        )
        for index in picked[7:9]
    ]
    del rows[picked[6]]
    return rows + new


def _row(each: Appointment, practitioner: str) -> tuple[str, ...]:
    meeting = each.kind is AppointmentKind.MEETING
    return (
        each.source_id,
        each.kind.value.capitalize(),
        each.client_id,
        each.client_first_name,
        each.client_last_name,
        each.appointment_type if meeting else "",
        "" if meeting else each.appointment_type,
        _day_text(each.start) if each.all_day else _moment_text(each.start),
        _day_text(each.end - timedelta(days=1)) if each.all_day else _moment_text(each.end),
        _yes(each.all_day),
        practitioner,
        each.location,
        each.show_as.value.capitalize(),
        _yes(each.cancelled),
        _yes(each.recurring),
        each.notes,
        _local_text(each.created, each.timezone),
        each.created_by,
        _local_text(each.updated, each.timezone),
    )


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _day_text(moment: datetime) -> str:
    return f"{moment.day}/{moment.month}/{moment.year}"


def _moment_text(moment: datetime) -> str:
    return f"{_day_text(moment)} {moment:%H:%M}"


def _local_text(moment: datetime | None, timezone: str) -> str:
    return "" if moment is None else _moment_text(moment.astimezone(ZoneInfo(timezone)))
