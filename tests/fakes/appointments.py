"""An appointment, and the week that shows it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from companion.domain.appointments import Appointment, AppointmentKind
from companion.domain.window import SyncWindow

WINDOW = SyncWindow(
    first_day=date(2026, 3, 2), last_day=date(2026, 3, 8), timezone="Australia/Sydney"
)
START = datetime(2026, 3, 3, 9, 30)  # noqa: DTZ001 - wall time
HALF_HOUR = timedelta(minutes=30)


def appointment(start: datetime = START, length: timedelta = HALF_HOUR, **said: Any) -> Appointment:
    """A client's with `ada`, unless `said` is something else; any field of an appointment."""
    usual = {"id": "one", "practitioner_id": "ada", "kind": AppointmentKind.CLIENT}
    times = {"start": start, "end": start + length, "timezone": "Australia/Sydney"}
    return Appointment(**{**usual, **times, **said})


def meeting(start: datetime = START, length: timedelta = HALF_HOUR, **said: Any) -> Appointment:
    return appointment(start, length, **{"kind": AppointmentKind.MEETING, **said})
