"""The dialogs about one appointment: new, open, which of a series, copy.

Nothing is checked twice: the fields make a Draft, the Booking service checks it and its error names
the field. Overlaps are shown while typing and are allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from nicegui import ui

from companion.domain.appointments import AppointmentKind
from companion.domain.errors import BadInput, ChangedMeanwhile, CompanionError
from companion.domain.repetition import in_words
from companion.services.book.booking import (
    MOST_COPIES,
    Booking,
    Conflict,
    Edit,
    Opened,
    read_only,
)
from companion.services.book.drafts import AppointmentDraft
from companion.services.book.series import Scope
from companion.web.ui import formatting
from companion.web.ui.book.form import (
    AppointmentForm,
    Offers,
    read_only_facts,
)
from companion.web.ui.book.payload import title_of
from companion.web.ui.components.dialogs import Dialog, dialog
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import DayField, NumberField
from companion.web.ui.error_reports import report_errors
from companion.web.ui.theme import box, button, notice, text

Done = Callable[[Edit], Awaitable[None]]
_SCOPES = {
    Scope.THIS: "Only this one",
    Scope.FOLLOWING: "This and following",
    Scope.ALL: "All of the series",
}
MOST_CONFLICTS = 4


class AppointmentDialogs:
    """Of one open page."""

    def __init__(
        self,
        booking: Booking,
        *,
        offers: Callable[[], Offers],
        user: Callable[[], str],
        on_done: Done,
        on_act: Callable[[str, Opened], Awaitable[None]],
        edits: bool,
        uploads: bool,
    ) -> None:
        """What this person may do: `edits` the book, `uploads` to Google. `on_act` is asked for
        what the page itself does with an appointment: ``cancel``, ``restore``, ``shows``,
        ``upload``."""
        self.booking = booking
        self.offers = offers
        self.user = user
        self.done = on_done
        self.act = on_act
        self._edits = edits
        self._uploads = uploads

    async def new(self, draft: AppointmentDraft) -> None:
        with dialog("New appointment", "form") as opened:
            form = _Editing(self, opened, draft, None)
        await form.look_for_conflicts()

    async def open(self, key: str) -> None:
        """Raises NotFound for what is gone."""
        opened = await self.booking.open(key)
        if opened.imported or not self._edits:
            self._look_at(opened)
            return
        with dialog("Appointment", "form") as shown:
            form = _Editing(self, shown, opened.draft, opened)
        await form.look_for_conflicts()

    def _look_at(self, opened: Opened) -> None:
        appointment = opened.appointment
        with dialog(title_of(appointment, appointment.title), "form") as shown:
            if opened.imported:
                why = read_only(appointment)
                with notice("info", icon="lock"):
                    text(why.what)
                    text(why.remedy)
            read_only_facts(_facts(opened, self.offers().practitioners))
            with box("actions"):
                if self._edits:
                    again = partial(self.leave, shown, partial(self.copy, opened.key))
                    button("Copy …", again)
                self.common_actions(shown, opened)
                button("Close", shown.close, look="primary")

    def common_actions(self, shown: Dialog, opened: Opened) -> None:
        acts = {"What does Google show?": "shows"}
        if self._uploads:
            acts["Upload to Google"] = "upload"
        for label, what in acts.items():
            then = partial(self.act, what, opened)
            button(label, partial(self.leave, shown, then), look="plain")

    async def leave(self, shown: Dialog, then: Callable[[], Awaitable[None]]) -> None:
        """Close, then go on with something else."""
        if await shown.leave():
            await then()

    async def which(self, question: str, *, this_too: bool = True) -> Scope | None:
        """Ask which of a series is meant; None when the person cancels."""
        with dialog(question, "small") as asked, box("stack"):
            for scope, label in _SCOPES.items():
                if scope is Scope.THIS and not this_too:
                    continue
                button(label, partial(asked.submit, scope)).classes("wide")
            button("Leave it as it is", partial(asked.submit, None), look="plain")
        answer = await asked
        return answer if isinstance(answer, Scope) else None

    async def scope_of(
        self, opened: Opened, question: str, *, this_too: bool = True
    ) -> Scope | None:
        """The same, where it is one of a series."""
        if not opened.in_series:
            return Scope.THIS
        return await self.which(question, this_too=this_too)

    async def copy(self, key: str) -> None:
        opened = await self.booking.open(key)
        start = opened.draft.start
        with dialog("Copy appointment", "small") as shown:
            text(
                f"Makes independent appointments like the one of {formatting.day(start.date())}, "
                f"{start:%H:%M}. They may overlap with others.",
                "soft",
            )
            with box("columns"):
                copies = NumberField("Copies", 1, least=1, most=MOST_COPIES, field="copies")
                every = NumberField("Days between them", 7, least=0, most=366, field="every")
            in_a_week = (start + timedelta(days=7)).date()
            first = DayField("First one on", in_a_week, near=in_a_week, field="first")
            for field in (copies, every, first):
                field.props("dense")

            async def make() -> None:
                with errors_at({"copies": copies, "every": every, "first": first, "start": first}):
                    begins = datetime.combine(first.day(), start.time())
                    apart, number = timedelta(days=every.whole()), copies.whole()
                    starts = [begins + apart * place for place in range(number)]
                    edit = await self.booking.copy(key, to=starts, user=self.user())
                    shown.close()
                    await self.done(edit)

            with box("actions"):
                button("Copy", make, look="primary", icon="content_copy")
                button("Close", shown.leave, look="plain")


class _Editing:
    """One open dialog with the form; `opened` is None for a new appointment."""

    def __init__(
        self,
        dialogs: AppointmentDialogs,
        shown: Dialog,
        draft: AppointmentDraft,
        opened: Opened | None,
    ) -> None:
        self._dialogs = dialogs
        self._booking = dialogs.booking
        self._dialog = shown
        self._opened = opened
        self._asked = 0
        self._trouble = box("stack")
        if opened is not None and opened.in_series:
            _series_note(opened)
        offers = dialogs.offers()
        self._names = offers.practitioners
        self._form = AppointmentForm(draft, offers, self._changed, new=opened is None)
        self._conflicts = box("stack").props("role=status")
        with box("actions dialog__foot"):
            button("Save", self._save, look="primary", icon="check")
            if opened is not None:
                self._actions(opened)
            button("Close", shown.leave, look="plain")

    def _actions(self, opened: Opened) -> None:
        dialogs, shown = self._dialogs, self._dialog
        gone = opened.cancelled
        label, what = (
            ("Take the cancellation back", "restore") if gone else ("Cancel appointment", "cancel")
        )
        act = dialogs.act
        leave = dialogs.leave
        button(label, partial(leave, shown, partial(act, what, opened)))
        button("Copy …", partial(leave, shown, partial(dialogs.copy, opened.key)))
        dialogs.common_actions(shown, opened)

    def _changed(self) -> None:
        ui.timer(0.2, report_errors(self.look_for_conflicts), once=True)

    async def look_for_conflicts(self) -> None:
        """A later check replaces an earlier one."""
        self._asked += 1
        turn = self._asked
        try:
            draft = self._form.draft()
            own = self._opened.appointment.id if self._opened else ""
            everyone = dict.fromkeys([draft.practitioner_id, *self._form.also()])
            each_of = [replace(draft, practitioner_id=each) for each in everyone]
            found = [await self._booking.conflicts(each, apart_from=own) for each in each_of]
        except BadInput:
            everyone, found = {}, []
        if turn == self._asked and not self._conflicts.is_deleted:
            self._conflicts.clear()
            with self._conflicts:
                _show_conflicts(dict(zip(everyone, found, strict=True)), self._names)

    async def _save(self) -> None:
        self._trouble.clear()
        try:
            with errors_at(self._form.fields):
                edit = await self._write(self._form.draft())
                if edit is not None:
                    self._dialog.close()
                    await self._dialogs.done(edit)
        except ChangedMeanwhile as error:
            self._show_error(error)

    async def _write(self, draft: AppointmentDraft) -> Edit | None:
        opened = self._opened
        if opened is None:
            also = self._form.also()
            return await self._booking.create(draft, user=self._dialogs.user(), also=also)
        same_rule = draft.rule == opened.draft.rule
        scope = await self._dialogs.scope_of(opened, "Change which of them?", this_too=same_rule)
        if scope is None:
            return None
        return await self._booking.edit(opened.key, draft, seen=opened.revision, scope=scope)

    def _show_error(self, error: CompanionError) -> None:
        opened = self._opened
        with self._trouble, notice("warn", alert=True):
            text(error.what, "strong")
            text("What you typed is still here. Look at it as it is now, and change it again.")
            if opened is not None:
                leave = self._dialogs.leave
                button(
                    "Show as it is now",
                    partial(leave, self._dialog, partial(self._dialogs.open, opened.key)),
                )


def _series_note(opened: Opened) -> None:
    series = opened.appointment
    rule = series.recurrence.rule if series.recurrence else ""
    with notice("calm", icon="repeat"):
        text(f"{in_words(rule, series.start)}.")
        if opened.occurrence.start != opened.occurrence.original_start:
            usual = opened.occurrence.original_start
            text(f"Moved from {formatting.day(usual.date())}, {usual:%H:%M}.")


def _show_conflicts(found: Mapping[str, Sequence[Conflict]], names: Mapping[str, str]) -> None:
    """By practitioner id; whose it is, is said where several are looked at."""
    every = [(names.get(who, ""), each) for who, theirs in found.items() for each in theirs]
    if not every:
        return
    with notice("warn", icon="event_repeat"):
        text(f"Overlaps with {formatting.counted(len(every), 'appointment')}; you may still save.")
        for name, each in every[:MOST_CONFLICTS]:
            span = formatting.span(each.start, each.end, all_day=each.all_day)
            whose = f"{name}, " if len(found) > 1 else ""
            text(f"{whose}{span}: {each.what}", "small")
        if len(every) > MOST_CONFLICTS:
            text(f"… and {formatting.number(len(every) - MOST_CONFLICTS)} more", "small")


def _facts(opened: Opened, names: Mapping[str, str]) -> dict[str, str]:
    each, occurrence = opened.appointment, opened.occurrence
    kind = {
        AppointmentKind.CLIENT: "Client appointment",
        AppointmentKind.CASUAL: "Casual appointment",
        AppointmentKind.MEETING: "Meeting",
    }[each.kind]
    return {
        "Kind": kind,
        "Client": each.client_name,
        "Client number": each.client_id,
        "Type": each.appointment_type,
        "When": formatting.span(occurrence.start, occurrence.end, all_day=each.all_day),
        "Practitioner": names.get(each.practitioner_id, ""),
        "Location": occurrence.location,
        "Address": each.visit_address,
        "Telehealth": each.telehealth_link,
        "Show as": occurrence.show_as.capitalize(),
        "State": "Cancelled" if opened.cancelled else "",
        "Notes": occurrence.notes,
        "Imported from": each.source,
    }
