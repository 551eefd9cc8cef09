"""The service of practitioners over settings and a book in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from companion.domain.settings import GoogleLink, PractitionerSettings
from companion.services.ports import BookChange
from companion.services.settings.practitioners import Practitioners
from tests.fakes.appointments import appointment
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings


class Fixture:
    """The service and what it stands on."""

    def __init__(self) -> None:
        self.settings = FakeSettings()
        self.book = MemoryBook()
        self.clock = FakeClock()
        self.told: list[str] = []
        self.people = Practitioners(
            settings=self.settings, book=self.book, clock=self.clock, leaving=[self._tell]
        )

    async def _tell(self, practitioner_id: str) -> None:
        self.told.append(practitioner_id)

    def record(self, practitioner_id: str) -> PractitionerSettings:
        return self.settings.read().practitioners[practitioner_id]

    async def book_one(self, practitioner_id: str, appointment_id: str) -> None:
        start = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - wall time
        made = appointment(start, id=appointment_id, practitioner_id=practitioner_id)
        await self.book.apply(BookChange(put=[made]), self.clock.now())

    async def connect(self, practitioner_id: str) -> None:
        link = GoogleLink(account="anna@example.com", calendar_id="c1")
        await self.settings.change(
            lambda each: each.with_practitioner(
                replace(each.practitioners[practitioner_id], google=link)
            )
        )
