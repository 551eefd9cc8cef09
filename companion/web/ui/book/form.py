"""AppointmentForm: the vendor's fields of one appointment, read as a Draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from companion.domain.appointments import AppointmentKind, ShowAs
from companion.domain.errors import BadInput
from companion.services.book.drafts import AppointmentDraft
from companion.services.reminders import reminder_text
from companion.web.ui.book.repetition_form import RepetitionForm
from companion.web.ui.components.fields import (
    chosen_reminder,
    relabel,
    reminder_choices,
)
from companion.web.ui.components.typed_fields import DayField, TimeField
from companion.web.ui.theme import box, text

_KINDS = {
    AppointmentKind.CLIENT: "Client",
    AppointmentKind.CASUAL: "Casual",
    AppointmentKind.MEETING: "Meeting",
}
_SHOWS = {each: each.value.capitalize() for each in ShowAs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What the fields suggest."""

    practitioners: Mapping[str, str]
    """Names by id."""
    types: Iterable[str] = ()
    locations: Iterable[str] = ()
    location_of: Callable[[str, datetime], str] = lambda _practitioner, _start: ""
    """Of a practitioner at that wall time, by their availability."""


class AppointmentForm:
    def __init__(
        self, draft: AppointmentDraft, offers: Offers, on_change: Callable[[], Any], *, new: bool
    ) -> None:
        self._offers = offers
        self._on_change = on_change
        self._begun = False
        self._new = new
        self._own_location = not new or bool(draft.location)
        with box("form") as self.place:
            self._kind = ui.radio(_KINDS, value=draft.kind, on_change=self._changed)
            self._kind.props('inline aria-label="Kind of appointment"')
            with box("fields fields--3") as self._client:
                self._first = ui.input("Client's first name", value=draft.client_first_name)
                self._last = ui.input("Client's last name", value=draft.client_last_name)
                self._number = ui.input("Client number", value=draft.client_id)
            with box("fields"):
                self._title = ui.input("Title", value=draft.title)
                self._type = ui.input(
                    "Type", value=draft.appointment_type, autocomplete=sorted(offers.types)
                )
            self._all_day = ui.checkbox("All day", value=draft.all_day, on_change=self._changed)
            self._times(draft)
            with box("fields fields--2"):
                self._who = ui.select(
                    dict(offers.practitioners),
                    label="Practitioner",
                    value=draft.practitioner_id or None,
                    on_change=self._changed,
                )
                self._location = ui.input(
                    "Location",
                    value=draft.location,
                    autocomplete=sorted(offers.locations),
                    on_change=self._typed_location,
                )
            self._also = ui.select(
                dict(offers.practitioners),
                label="Also for",
                multiple=True,
                value=[],
                on_change=self._changed,
            )
            self._also.props('use-chips hint="Each of them gets an appointment of their own"')
            with box("fields fields--2"):
                self._address = ui.input("Address of a home visit", value=draft.visit_address)
                self._link = ui.input("Telehealth link", value=draft.telehealth_link)
                self._link.props("type=url inputmode=url")
            with box("fields fields--2"):
                self._show_as = ui.select(_SHOWS, label="Show as", value=draft.show_as)
                self._reminder = ui.select(
                    reminder_choices(draft.reminder_minutes),
                    label="Reminder",
                    value=reminder_text(draft.reminder_minutes),
                )
            self._notes = ui.textarea("Notes", value=draft.notes).props("autogrow")
            self._repeats = RepetitionForm(draft.rule, draft.start, self._changed)
            self._cancelled = ui.checkbox(
                "Cancelled (client cancels, postpones or does not come)", value=draft.cancelled
            )
        for name, field in self.fields.items():
            if name not in self._repeats.fields and name != "kind":
                field.classes("field").props("outlined dense options-dense")
        self._begun = True
        self._arrange()

    def _times(self, draft: AppointmentDraft) -> None:
        last = draft.end - timedelta(days=1) if draft.all_day else draft.end
        with box("times"):
            self._start_day = self._day("Start", draft.start, "start_day")
            self._start_time = self._time("Start time", draft.start, "start_time")
            self._end_day = self._day("End", last, "end_day")
            self._end_time = self._time("End time", draft.end, "end_time")
        self._length = draft.end - draft.start
        self._before = draft.start

    def _day(self, label: str, at: datetime, field: str) -> DayField:
        day = at.date()
        return DayField(label, day, near=day, field=field, on_change=self._changed)

    def _time(self, label: str, at: datetime, field: str) -> TimeField:
        return TimeField(label, at.time(), field=field, on_change=self._changed)

    @property
    def fields(self) -> dict[str, ValidationElement[Any]]:
        """By the field of Draft that a BadInput names."""
        all_day = self._all_day.value
        return {
            "client_first_name": self._first,
            "client_last_name": self._last,
            "client_id": self._number,
            "title": self._title,
            "appointment_type": self._type,
            "start_day": self._start_day,
            "end_day": self._end_day,
            "start_time": self._start_time,
            "end_time": self._end_time,
            "start": self._start_day if all_day else self._start_time,
            "end": self._end_day if all_day else self._end_time,
            "practitioner_id": self._who,
            "also": self._also,
            "location": self._location,
            "visit_address": self._address,
            "telehealth_link": self._link,
            "show_as": self._show_as,
            "reminder_minutes": self._reminder,
            "notes": self._notes,
            **self._repeats.fields,
        }

    def draft(self) -> AppointmentDraft:
        """As typed; raises BadInput for what is no date, time or rule."""
        all_day = bool(self._all_day.value)
        kind: AppointmentKind = self._kind.value
        start, end = self._span(all_day=all_day)
        return AppointmentDraft(
            kind=kind,
            practitioner_id=self._who.value or "",
            start=start,
            end=end,
            all_day=all_day,
            client_id=self._number.value or "",
            client_first_name=self._first.value or "",
            client_last_name=self._last.value or "",
            title=self._title.value or "",
            appointment_type=self._type.value or "",
            location=self._location.value or "",
            visit_address=self._address.value or "",
            telehealth_link=self._link.value or "",
            notes=self._notes.value or "",
            show_as=self._show_as.value,
            reminder_minutes=chosen_reminder(self._reminder.value),
            cancelled=bool(self._cancelled.value),
            rule=self._repeats.rule(start) if kind is AppointmentKind.MEETING else "",
        )

    def also(self) -> list[str]:
        """Practitioner ids that a new meeting is for beside the first."""
        return list(self._also.value or []) if self._also.visible else []

    def _span(self, *, all_day: bool) -> tuple[datetime, datetime]:
        first, last = self._start_day.day(), self._end_day.day()
        if all_day:
            after = datetime.combine(last, time()) + timedelta(days=1)
            return datetime.combine(first, time()), after
        return (
            datetime.combine(first, self._start_time.clock()),
            datetime.combine(last, self._end_time.clock()),
        )

    # ── what follows from a change ────────────────────────────────────────────────────────────

    def _changed(self) -> None:
        if not self._begun:
            return
        self._follow_start()
        self._arrange()
        self._on_change()

    def _follow_start(self) -> None:
        """A new start moves the end with it; the end itself changes the length."""
        all_day = bool(self._all_day.value)
        try:
            start, end = self._span(all_day=all_day)
        except BadInput:
            return
        if start != self._before and self._length > timedelta(0) and not all_day:
            end = start + self._length
            self._begun = False
            self._end_day.show(end.date())
            self._end_time.show(end.time())
            self._begun = True
        self._before, self._length = start, end - start
        if not self._own_location:
            self._suggest_location(start)

    def _typed_location(self) -> None:
        if self._begun:
            self._own_location = True

    def _suggest_location(self, start: datetime) -> None:
        self._begun = False
        self._location.value = self._offers.location_of(self._who.value or "", start)
        self._begun = True

    def _arrange(self) -> None:
        kind: AppointmentKind = self._kind.value
        client = kind is AppointmentKind.CLIENT
        self._client.set_visibility(client)
        self._title.set_visibility(not client)
        meeting = kind is AppointmentKind.MEETING
        relabel(self._type, "Meeting type" if meeting else "Consultation type")
        self._repeats.place.set_visibility(kind is AppointmentKind.MEETING)
        self._also.set_visibility(
            self._new and kind is AppointmentKind.MEETING and len(self._offers.practitioners) > 1
        )
        for field in (self._start_time, self._end_time):
            field.set_visibility(not self._all_day.value)
        try:
            self._repeats.describe(self._span(all_day=bool(self._all_day.value))[0])
        except BadInput:
            return


def read_only_facts(facts: Mapping[str, str]) -> None:
    """An appointment that cannot be edited, as a list of its fields."""
    with box("facts", tag="dl"):
        for name, value in facts.items():
            if value:
                text(name, tag="dt")
                text(value, "notes", tag="dd")
