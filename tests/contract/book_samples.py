"""Appointments for the contract of the book, and short ways to put and ask for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    Recurrence,
)
from companion.services.ports import (
    AppointmentBook,
    BookChange,
)
from tests.fakes.appointments import appointment as booked

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = datetime(2026, 3, 3)  # noqa: DTZ001 - wall time
HOUR = timedelta(hours=1)


def appointment(number: int = 1, **changes: Any) -> Appointment:
    start = changes.pop("start", DAY + 9 * HOUR)
    usual = {"id": f"pms-{number}", "source": "pms", "source_id": str(number)}
    return booked(start, **{**usual, "practitioner_id": "mira", **changes})


def weekly(**changes: Any) -> Appointment:
    series = {
        "kind": AppointmentKind.MEETING,
        "source": "book",
        "source_id": "",
        "recurrence": Recurrence(rule="FREQ=WEEKLY"),
    }
    return appointment(77, **{**series, **changes})


async def put(book: AppointmentBook, *appointments: Appointment, now: datetime = NOW) -> None:
    await book.apply(BookChange(put=appointments), now)


async def on(book: AppointmentBook, first: datetime, days: float = 1) -> list[Appointment]:
    return await book.appointments("mira", first, first + timedelta(days=days))
