"""When the calendars say that a schedule is old: how late is too late, and when it is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from companion.domain.availability import DAYS
from companion.domain.errors import BadInput
from companion.domain.opening_hours import in_words
from companion.services.settings.practice_words import AUTOMATIC
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import TimeField
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, link_button, text

_NEVER = "never"
_LATE = {
    "0.5": "As soon as it is half an opening day late",
    "1": "As soon as it is one opening day late",
    "2": "As soon as it is two opening days late",
    "5": "As soon as it is five opening days late",
    _NEVER: "Never",
}
_EXAMPLE = "Such as 2026-12-25, or 2026-12-24..2027-01-04 for several days"


class StalenessForm:
    """The fields; `fields` are all that can be changed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        values = site.services.practitioners.practice_values()
        settings = site.services.settings.read()
        derived = replace(settings.practice.opening, days=frozenset(), opens=None, closes=None)
        practice = replace(settings.practice, opening=derived)
        usual = replace(settings, practice=practice).opening_hours()
        hours = settings.opening_hours()
        text(
            "A watched folder is expected to bring a file as often as it usually does, counted in "
            "opening days. When a file or the sync is late, each calendar and phone link shows "
            "“Schedule not updated since …” on today, until it comes or somebody edits the Book. "
            "A file that you import once is not expected again.",
            "card__lead",
        )
        late = values["stale_days"]
        self._late = ui.select(
            _LATE
            if late in _LATE
            else {late: f"As soon as it is {late} opening days late", **_LATE},
            label="Show the notice",
            value=late,
        )
        self._late.classes("field").props("outlined")
        own = values["opening_days"] != AUTOMATIC or values["opening_hours"] != AUTOMATIC
        with box(tag="fieldset"):
            text("Open", tag="legend")
            self._own = ui.radio(
                {False: f"As working hours say: {in_words(usual)}", True: "As set here"},
                value=own,
                on_change=self._arrange,
            )
            self._own.props('aria-label="Open"')
            self._week = box("stack")
            with self._week:
                with box("choices"):
                    self._days = [
                        ui.checkbox(name, value=hours.week[day] is not None)
                        for day, name in enumerate(DAYS)
                    ]
                times = [each for each in hours.week if each is not None]
                opens, closes = min(e[0] for e in times), max(e[1] for e in times)
                with box("choices"):
                    self._opens = TimeField("From", opens, field="opens")
                    self._closes = TimeField("To", closes, field="closes")
        shown = values["closed_on"].replace(",", ", ")
        self._closed = ui.input("Closed on (holidays)", value=shown)
        self._closed.classes("field").props(f'outlined maxlength=4000 hint="{_EXAMPLE}"')
        self.fields = (
            self._late,
            self._own,
            *self._days,
            self._opens,
            self._closes,
            self._closed,
        )
        self._arrange()

    def actions(self, saved: Callable[[], None]) -> None:
        async def save() -> None:
            with errors_at(self._places):
                await self._keep()
                saved()
                notify_done("Saved.")

        button("Save", save, look="primary")
        link_button("Sources", "/sources", icon="folder_open")

    def _arrange(self, *_: object) -> None:
        self._week.set_visibility(bool(self._own.value))

    @property
    def _places(self) -> dict[str, ValidationElement[Any]]:
        """By the field that an error names."""
        return {
            "stale_days": self._late,
            "opening_hours": self._opens,
            "opens": self._opens,
            "closes": self._closes,
            "closed_on": self._closed,
        }

    async def _keep(self) -> None:
        days, times = AUTOMATIC, AUTOMATIC
        if self._own.value:
            chosen = [name for name, tick in zip(DAYS, self._days, strict=True) if tick.value]
            if not chosen:
                raise BadInput("No day is ticked.", "Tick at least one.", field="opening_hours")
            days = ",".join(chosen)
            times = f"{self._opens.clock():%H:%M}-{self._closes.clock():%H:%M}"
        await self._site.services.practitioners.set_practice(
            {
                "stale_days": str(self._late.value),
                "opening_days": days,
                "opening_hours": times,
                "closed_on": str(self._closed.value or ""),
            }
        )
