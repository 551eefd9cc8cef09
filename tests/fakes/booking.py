"""Booking over a book in memory, and two appointments."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    Practitioner,
)
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.book.booking import Booking, Edit
from companion.services.book.drafts import AppointmentDraft
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings

DAY = datetime(2026, 11, 24)  # noqa: DTZ001 - a Tuesday, wall time
NINE = DAY + timedelta(hours=9)
HALF_HOUR = timedelta(minutes=30)


class Fixture:
    """A booking service over a book in memory."""

    def __init__(self) -> None:
        settings = Settings(install_id="0123456789abcdef")
        for key, zone in (("mira", "Australia/Sydney"), ("omar", "Australia/Perth")):
            person = Practitioner(id=key, name=key.title(), timezone=zone)
            settings = settings.with_practitioner(PractitionerSettings(practitioner=person))
        self.settings = FakeSettings(settings)
        self.book = MemoryBook()
        self.clock = FakeClock()
        self._made = 0
        self.booking = Booking(
            book=self.book,
            settings=self.settings,
            clock=self.clock,
            identity=self._identity,
        )

    def _identity(self) -> str:
        self._made += 1
        return f"own-{self._made}"

    async def all(self) -> list[Appointment]:
        return await self.book.of_practitioners(
            ["mira", "omar"], DAY - timedelta(days=400), DAY + timedelta(days=400)
        )

    async def revision(self, key: str) -> int:
        return (await self.booking.open(key)).revision

    async def lunch(self, rule: str = "FREQ=WEEKLY;BYDAY=TU") -> Edit:
        return await self.booking.create(lunch(rule), user="Sam")


def visit(**changes: object) -> AppointmentDraft:
    draft = AppointmentDraft(
        kind=AppointmentKind.CLIENT,
        practitioner_id="mira",
        start=NINE,
        end=NINE + HALF_HOUR,
        client_first_name="Anna",
        client_last_name="Lee",
    )
    return replace(draft, **changes)  # type: ignore[arg-type] # a test names the fields itself


def lunch(rule: str = "FREQ=WEEKLY;BYDAY=TU") -> AppointmentDraft:
    return AppointmentDraft(
        kind=AppointmentKind.MEETING,
        practitioner_id="mira",
        start=DAY + timedelta(hours=12, minutes=30),
        end=DAY + timedelta(hours=13),
        title="Lunch",
        rule=rule,
    )
