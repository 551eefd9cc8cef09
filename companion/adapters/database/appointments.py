"""An appointment as a row of the `appointments` table, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from companion.adapters.database.schema import BRIEF, BRIEF_LIMIT, LONG, SERIES, appointments
from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    ShowAs,
)
from companion.services.rows import earliest_start, recurrence_document, recurrence_of

COLUMNS = tuple(
    column
    for column in appointments.columns
    if column.name not in {"shape", "earliest", "row_hash"}
)
"""What `appointment_of` unpacks, in the table's order."""

# A dictionary is many times faster than calling an enumeration, and str() than its .value.
_KINDS = {each.value: each for each in AppointmentKind}
_STATUSES = {each.value: each for each in AppointmentStatus}
_SHOWS = {each.value: each for each in ShowAs}


def shape_of(appointment: Appointment) -> int:
    if appointment.recurrence is not None:
        return SERIES
    return BRIEF if appointment.end - appointment.start <= BRIEF_LIMIT else LONG


def row_of(appointment: Appointment, row_hash: bytes) -> dict[str, Any]:
    each = appointment
    return {
        "id": each.id,
        "practitioner_id": each.practitioner_id,
        "shape": shape_of(each),
        "earliest": earliest_start(each),
        "starts": each.start,
        "ends": each.end,
        "timezone": each.timezone,
        "all_day": each.all_day,
        "kind": str(each.kind),
        "status": str(each.status),
        "show_as": str(each.show_as),
        "title": each.title,
        "appointment_type": each.appointment_type,
        "client_id": each.client_id,
        "client_first_name": each.client_first_name,
        "client_last_name": each.client_last_name,
        "location": each.location,
        "notes": each.notes,
        "reminder_minutes": each.reminder_minutes,
        "recurring": each.recurring,
        "recurrence": recurrence_document(each.recurrence),
        "source": each.source,
        "source_id": each.source_id,
        "created": each.created,
        "created_by": each.created_by,
        "updated": each.updated,
        "revision": each.revision,
        "changed_at": each.changed_at,
        "row_hash": row_hash,
        "visit_address": each.visit_address,
        "telehealth_link": each.telehealth_link,
    }


def appointment_of(row: Sequence[Any]) -> Appointment:
    """From a row of `COLUMNS`."""
    (
        appointment_id,
        practitioner_id,
        starts,
        ends,
        timezone,
        all_day,
        kind,
        status,
        show_as,
        title,
        appointment_type,
        client_id,
        client_first_name,
        client_last_name,
        location,
        notes,
        reminder_minutes,
        recurring,
        recurrence,
        source,
        source_id,
        created,
        created_by,
        updated,
        revision,
        changed_at,
        visit_address,
        telehealth_link,
    ) = row
    return Appointment(
        id=appointment_id,
        practitioner_id=practitioner_id,
        kind=_KINDS[kind],
        start=starts,
        end=ends,
        timezone=timezone,
        all_day=all_day,
        status=_STATUSES[status],
        show_as=_SHOWS[show_as],
        title=title,
        appointment_type=appointment_type,
        client_id=client_id,
        client_first_name=client_first_name,
        client_last_name=client_last_name,
        location=location,
        notes=notes,
        reminder_minutes=reminder_minutes,
        recurring=recurring,
        recurrence=recurrence_of(recurrence),
        source=source,
        source_id=source_id,
        created=created,
        created_by=created_by,
        updated=updated,
        revision=revision,
        changed_at=changed_at,
        visit_address=visit_address,
        telehealth_link=telehealth_link,
    )
