"""Availability: keeping each practitioner's working hours among the settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from companion.domain.availability import DAYS, WorkingHours, check_hours
from companion.domain.errors import BadInput
from companion.domain.settings import Settings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.ports import SettingsStore
from companion.services.settings import checks

LOCATION_LIMIT = 200


class Availability:
    def __init__(self, *, settings: SettingsStore) -> None:
        self._settings = settings

    @allows(Action.SEE_BOOK, of="practitioner_id")
    def of(self, practitioner_id: str) -> tuple[WorkingHours, ...]:
        """Empty for an unknown practitioner."""
        record = self._settings.read().practitioners.get(practitioner_id)
        return () if record is None else record.availability

    @allows(Action.EDIT_BOOK)
    async def keep(
        self, practitioner_id: str, hours: Iterable[WorkingHours]
    ) -> tuple[WorkingHours, ...]:
        """Replaces what was known. BadInput's field is the weekday (``monday`` …)."""
        tidy = check_hours(
            replace(each, location=_location(each.location, each.weekday)) for each in hours
        )

        def edit(settings: Settings) -> Settings:
            record = settings.record(practitioner_id)
            return settings.with_practitioner(replace(record, availability=tidy))

        await self._settings.change(edit)
        return tidy


def _location(text: str, weekday: int) -> str:
    field = DAYS[weekday].casefold() if 0 <= weekday < 7 else "weekday"
    try:
        return checks.text(text, field, LOCATION_LIMIT)
    except BadInput as error:
        raise BadInput(f"The location: {error.what}", error.remedy, field=field) from error
