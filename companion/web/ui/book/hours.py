"""Working hours: when and where each practitioner works, per weekday."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import time

from nicegui import ui

from companion.domain.availability import DAYS, WorkingHours
from companion.domain.errors import BadInput
from companion.services.book.availability import Availability
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import TimeField
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.theme import box, button, text

_USUAL = (time(9), time(17))


class HoursDialog:
    """One stretch a day can be edited here; further ones of a day are kept as they are."""

    def __init__(
        self,
        availability: Availability,
        names: Mapping[str, str],
        locations: Iterable[str],
        *,
        focus: str,
        on_saved: Callable[[], Awaitable[None]],
    ) -> None:
        self._availability = availability
        self._saved = on_saved
        self._locations = sorted(locations)
        with dialog("Working hours", "wide") as self._dialog:
            text("They shade the book and suggest the location; they forbid nothing.", "soft")
            self._who = ui.select(
                dict(names),
                label="Practitioner",
                value=focus or None,
                on_change=report_errors(self._choose),
            )
            self._dialog.looks = (self._who,)
            self._who.classes("field").props("outlined dense options-dense")
            self._week = box("stack")
            with box("actions"):
                button("Save", self._save, look="primary", icon="check")
                button("Close", self._dialog.leave, look="plain")
            self._days: list[_Day] = []
            self._draw()

    async def _choose(self) -> None:
        """Somebody else, unless something was typed and is to be kept."""
        if self._who.value == self._shown:
            return
        if await self._dialog.may_go():
            self._draw()
            self._dialog.watch()
        else:
            self._who.value = self._shown

    def _draw(self) -> None:
        self._shown = self._who.value
        hours = self._availability.of(self._who.value or "")
        self._week.clear()
        with self._week:
            self._days = [
                _Day(
                    weekday,
                    [each for each in hours if each.weekday == weekday],
                    self._locations,
                )
                for weekday in range(7)
            ]

    async def _save(self) -> None:
        places = {name.casefold(): day.start for name, day in zip(DAYS, self._days, strict=True)}
        with errors_at(places):
            hours = [each for day in self._days for each in day.hours()]
            await self._availability.keep(self._who.value or "", hours)
            self._dialog.watch()
            notify_done("Saved.")
            await self._saved()


class _Day:
    def __init__(self, weekday: int, known: list[WorkingHours], locations: list[str]) -> None:
        self._weekday = weekday
        self._more = known[1:]
        first = known[0] if known else None
        name = DAYS[weekday]
        with box("hours"):
            self._works = ui.checkbox(name, value=first is not None, on_change=self._arrange)
            start, end = (first.start, first.end) if first else _USUAL
            self.start = self._clock(f"{name}, from", start)
            self._end = self._clock(f"{name}, to", end)
            self._location = ui.input(
                "Location",
                value=first.location if first else "",
                autocomplete=locations,
            ).props(f'outlined dense aria-label="{name}, location"')
        self._arrange()

    @staticmethod
    def _clock(label: str, value: time) -> TimeField:
        field = TimeField(label.rpartition(", ")[2].capitalize(), value)
        field.props("dense")
        field.props["aria-label"] = label
        return field

    def _arrange(self) -> None:
        for field in (self.start, self._end, self._location):
            field.set_visibility(bool(self._works.value))

    def hours(self) -> list[WorkingHours]:
        if not self._works.value:
            return []
        try:
            start, end = self.start.clock(), self._end.clock()
        except BadInput as error:
            day = DAYS[self._weekday].casefold()
            raise BadInput(error.what, error.remedy, field=day) from error
        mine = WorkingHours(
            weekday=self._weekday, start=start, end=end, location=self._location.value or ""
        )
        return [mine, *self._more]
