"""BookEdits: what is changed on one open Appointment Book page, and the trail for undo.

The dialogs, drags, menus and keys of the page all end here: each edit is one call of the Booking
service, is added to the trail and then shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from companion.domain.appointments import AppointmentKind
from companion.domain.errors import ChangedMeanwhile, NotFound
from companion.services.book.booking import Edit, Opened
from companion.services.book.drafts import AppointmentDraft
from companion.services.book.series import Scope
from companion.services.book.trail import Trail
from companion.web.access import PageServices
from companion.web.ui.book.calendar import Drop, TimeSlot
from companion.web.ui.book.dialogs import AppointmentDialogs
from companion.web.ui.book.form import Offers
from companion.web.ui.book.person import BookViewer
from companion.web.ui.book.shows import open_shows
from companion.web.ui.error_reports import notify_done

USUAL_LENGTH = timedelta(minutes=30)


class BookEdits:
    def __init__(
        self,
        services: PageServices,
        person: BookViewer,
        *,
        offers: Callable[[], Offers],
        upload: Callable[[str], None],
        on_edit: Callable[[str], Awaitable[None]],
        on_trail: Callable[[str], None],
    ) -> None:
        """`upload`: of a practitioner id. `on_edit` is given the key to show, `on_trail` what would
        be undone next, in words."""
        self._services = services
        self._booking = services.booking
        self._upload = upload
        self._on_edit = on_edit
        self._on_trail = on_trail
        self._trail = Trail()
        self.dialogs = AppointmentDialogs(
            services.booking,
            offers=offers,
            user=lambda: person.name,
            on_done=self.done,
            on_act=self.act,
            edits=person.edits,
            uploads=person.uploads,
        )

    async def done(self, edit: Edit) -> None:
        self._trail.add(edit)
        await self._show(edit.key)

    async def _show(self, key: str) -> None:
        self._on_trail(self._trail.last)
        await self._on_edit(key)

    async def undo(self) -> None:
        what = self._trail.last
        try:
            undone = await self._trail.undo(self._booking)
        finally:
            self._on_trail(self._trail.last)
        if undone is not None:
            await self._show(undone.key)
            notify_done(f"Undone: {what}.")

    async def move(self, drop: Drop) -> Edit | None:
        """None when the person chose nothing; not yet in the trail."""
        opened = await self._booking.open(drop.key)
        scope: Scope | None = Scope.THIS
        if opened.in_series:
            scope = await self.dialogs.which("Move which of them?")
        start, end = drop.to.start, drop.to.end
        if scope is None or start is None or end is None:
            return None
        return await self._booking.move(
            drop.key,
            start=start,
            end=end,
            practitioner_id=drop.to.practitioner_id or opened.appointment.practitioner_id,
            seen=drop.seen,
            scope=scope,
        )

    async def placed(self, edit: Edit) -> tuple[str, int]:
        """Where an edit put the appointment, in words, and how many others overlap it there;
        empty and 0 where it is gone by now."""
        try:
            opened = await self._booking.open(edit.key)
        except NotFound:
            return "", 0
        found = await self._booking.conflicts(
            replace(opened.draft, rule=""), apart_from=opened.appointment.id
        )
        return f"{opened.draft.start:%H:%M} to {opened.draft.end:%H:%M}", len(found)

    async def act_on_key(self, what: Literal["cancel", "restore"], key: str, seen: int) -> None:
        """Raises ChangedMeanwhile where the page showed another revision than `seen`."""
        opened = await self._booking.open(key)
        if opened.revision != seen:
            raise ChangedMeanwhile
        await self.act(what, opened)

    async def act(self, what: str, opened: Opened) -> None:
        match what:
            case "cancel":
                scope: Scope | None = Scope.THIS
                if opened.in_series:
                    scope = await self.dialogs.which("Cancel which of them?")
                if scope is not None:
                    await self.done(
                        await self._booking.cancel(opened.key, seen=opened.revision, scope=scope)
                    )
            case "restore":
                await self.done(await self._booking.restore(opened.key, seen=opened.revision))
            case "shows":
                await open_shows(self._services.book_view, opened.key)
            case "upload":
                self._upload(opened.appointment.practitioner_id)


def blank_draft(
    slot: TimeSlot, practitioner_id: str, start: datetime, offers: Offers
) -> AppointmentDraft:
    """A new appointment in `slot`. `start` and `practitioner_id` stand where the slot has none."""
    who = slot.practitioner_id or practitioner_id
    start = slot.start or start
    if slot.all_day:
        first = start.replace(hour=0, minute=0, second=0, microsecond=0)
        return AppointmentDraft(
            kind=AppointmentKind.CASUAL,
            practitioner_id=who,
            start=first,
            end=slot.end or first + timedelta(days=1),
            all_day=True,
        )
    draft = AppointmentDraft(
        kind=AppointmentKind.CLIENT,
        practitioner_id=who,
        start=start,
        end=slot.end or start + USUAL_LENGTH,
    )
    location = offers.location_of(who, start)
    return replace(draft, location=location) if location else draft
