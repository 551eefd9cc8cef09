"""Drafts built by hand, for tests of what becomes of them in the book; all people are invented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from companion.domain.appointments import Appointment, AppointmentKind, AppointmentStatus
from companion.services.imports.drafts import Draft, FileContent, Rejection
from companion.services.imports.history import ImportHistory
from companion.services.imports.importing import ImportPreview, ImportReport
from companion.services.imports.layouts import Layout
from companion.services.imports.reading.results import Reading
from companion.services.settings.practitioners import Practitioners
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import MONDAY, FakeClock
from tests.fakes.importing import importing_over
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryFeeds

FIRST = datetime(2026, 3, 3, 9)  # noqa: DTZ001 - wall time
"""Tuesday, the day after the clock's."""
HALF = timedelta(minutes=30)
ALWAYS = timedelta(days=3_000)


def draft(row: int = 2, *, id: str = "", who: str = "Jo Smith", **changes: Any) -> Draft:  # noqa: A002 - the field's name
    """Half an hour of Ada Example on Tuesday 3 March 2026, 9:00. `at`: hours or a datetime;
    `cancelled`, `client` ("First Last"), `updated` and any field of an appointment."""
    at = changes.pop("at", 9)
    start = at if isinstance(at, datetime) else FIRST + timedelta(hours=at - 9)
    first, _space, last = changes.pop("client", "Ada Example").rpartition(" ")
    status = AppointmentStatus.CANCELLED if changes.pop("cancelled", False) else None
    values: dict[str, Any] = {
        "kind": AppointmentKind.CLIENT if last else AppointmentKind.CASUAL,
        "client_first_name": first,
        "client_last_name": last,
        "appointment_type": "Standard",
        "end": start + HALF,
        "status": status or AppointmentStatus.BOOKED,
    }
    updated = changes.pop("updated", None)
    return Draft(
        row=row,
        name=who,
        created=None,
        updated=updated,
        appointment=Appointment(
            id="",
            practitioner_id="",
            start=start,
            timezone="",
            source_id=id,
            **{**values, **changes},
        ),
    )


class Counter:
    """The front desk: the importing service on fakes, which takes files as drafts."""

    def __init__(self) -> None:
        self.clock = FakeClock(MONDAY)
        self.settings = FakeSettings()
        self.book = MemoryBook()
        self.activity = MemoryActivity()
        self.practitioners = Practitioners(settings=self.settings, book=self.book, clock=self.clock)
        self.importing = importing_over(
            book=self.book, settings=self.settings, activity=self.activity, clock=self.clock
        )
        self.feeds = MemoryFeeds()
        self.history = ImportHistory(
            book=self.book,
            settings=self.settings,
            practitioners=self.practitioners,
            feeds=self.feeds,
            activity=self.activity,
            clock=self.clock,
        )

    async def preview(
        self,
        *drafts: Draft,
        source: str = "pms",
        snapshot: bool = False,
        rejections: Iterable[Rejection] = (),
        answers: Mapping[str, str] | None = None,
    ) -> ImportPreview:
        kept = self.settings.read().sources.get(source)
        content = FileContent(
            drafts=drafts,
            rejections=tuple(rejections),
            has_ids=any(each.appointment.source_id for each in drafts),
        )
        layout = Layout(name="by hand", source=source, columns={}, titles={})
        preview = ImportPreview(
            source=source,
            file_name="export.csv",
            layout="by hand",
            snapshot=snapshot,
            matched_by="",
            content=content,
            columns=layout,
            reading=Reading(layout=layout, content=content),
            answers={**(kept.answers if kept else {}), **(answers or {})},
        )
        return await self.importing.reconsider(preview)

    async def take(self, *drafts: Draft, yes: bool = False, **options: Any) -> ImportReport:
        """Preview and apply; `answers` and the rest as in `preview`."""
        return await self.importing.apply(await self.preview(*drafts, **options), yes=yes)

    async def all(self) -> list[Appointment]:
        """The whole book by start, practitioner and client."""
        found = [
            each
            for key in self.settings.read().practitioners
            for each in await self.book.appointments(key, FIRST - ALWAYS, FIRST + ALWAYS)
        ]
        return sorted(found, key=lambda it: (it.start, it.practitioner_id, it.client_name))

    async def live(self) -> list[tuple[str, datetime, str]]:
        """Practitioner, start and client of what takes place."""
        return [
            (each.practitioner_id, each.start, each.client_name)
            for each in await self.all()
            if not each.cancelled
        ]
