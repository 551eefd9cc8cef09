"""An appointment as a row of the `appointments` table, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from companion.adapters.database.schema import BRIEF, BRIEF_LIMIT, LONG, SERIES, appointments
from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    ShowAs,
)
from companion.services.rows import earliest_start, recurrence_document, recurrence_of

_FIELDS = tuple(each.name for each in fields(Appointment))
_RENAMED = {"start": "starts", "end": "ends"}
_NAMES = tuple(_RENAMED.get(each, each) for each in _FIELDS)
COLUMNS = tuple(appointments.c[name] for name in _NAMES)
"""What `appointment_of` takes, in the order of the fields."""
_values_of = attrgetter(*_FIELDS)

# A dictionary is many times faster than calling an enumeration, and str() than its .value.
_KINDS = {each.value: each for each in AppointmentKind}
_STATUSES = {each.value: each for each in AppointmentStatus}
_SHOWS = {each.value: each for each in ShowAs}


def shape_of(appointment: Appointment) -> int:
    if appointment.recurrence is not None:
        return SERIES
    return BRIEF if appointment.end - appointment.start <= BRIEF_LIMIT else LONG


def row_of(appointment: Appointment, row_hash: bytes) -> dict[str, Any]:
    return {
        **dict(zip(_NAMES, _values_of(appointment), strict=True)),
        "kind": str(appointment.kind),
        "status": str(appointment.status),
        "show_as": str(appointment.show_as),
        "recurrence": recurrence_document(appointment.recurrence),
        "shape": shape_of(appointment),
        "earliest": earliest_start(appointment),
        "row_hash": row_hash,
    }


def appointment_of(row: Sequence[Any]) -> Appointment:
    """From a row of `COLUMNS`."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["kind"] = _KINDS[values["kind"]]
    values["status"] = _STATUSES[values["status"]]
    values["show_as"] = _SHOWS[values["show_as"]]
    values["recurrence"] = recurrence_of(values["recurrence"])
    return Appointment(**values)
