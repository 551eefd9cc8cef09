"""Suggestions: what the fields of an appointment offer, from what was met in the book so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from companion.domain.availability import location_at
from companion.domain.settings import PractitionerSettings
from companion.services.book.view import BookEntry
from companion.web.ui.book.form import Offers
from companion.web.ui.book.payload import PractitionerColumn


class Suggestions:
    """Of one open page."""

    def __init__(self) -> None:
        self._types: set[str] = set()
        self._locations: set[str] = set()

    def note(self, entries: Iterable[BookEntry]) -> None:
        for each in entries:
            self._types.add(each.appointment.appointment_type)
            self._locations.add(each.occurrence.location)

    def locations(self, columns: Iterable[PractitionerColumn]) -> list[str]:
        """Those of working hours too."""
        known = {hours.location for each in columns for hours in each.hours}
        return sorted((self._locations | known) - {""})

    def offers(
        self, columns: Iterable[PractitionerColumn], records: Mapping[str, PractitionerSettings]
    ) -> Offers:
        shown = list(columns)

        def location_of(practitioner_id: str, start: datetime) -> str:
            record = records.get(practitioner_id)
            return location_at(record.availability, start) if record else ""

        return Offers(
            practitioners={each.practitioner.id: each.practitioner.name for each in shown},
            types=self._types - {""},
            locations=self.locations(shown),
            location_of=location_of,
        )
