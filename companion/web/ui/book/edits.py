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
from companion.services.book.booking import Booking, Edit, Opened
from companion.services.book.drafts import AppointmentDraft
from companion.services.book.trail import Trail
from companion.web.access import PageServices
from companion.web.ui import formatting
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
        on_edit: Callable[[Edit], Awaitable[None]],
        on_trail: Callable[[Trail], None],
    ) -> None:
        """`upload`: of a practitioner id. `on_edit` is to show an edit, `on_trail` what can
        be undone and done again."""
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

    def go_on_with(self, trail: Trail) -> None:
        """With the edits of this tab before it was loaded anew."""
        self._trail = trail
        self._on_trail(trail)

    async def done(self, edit: Edit) -> None:
        self._trail.add(edit)
        await self._show(edit)

    async def _show(self, edit: Edit) -> None:
        self._on_trail(self._trail)
        await self._on_edit(edit)

    async def undo(self) -> None:
        await self._back(self._trail.undo, "Undone")

    async def redo(self) -> None:
        await self._back(self._trail.redo, "Done again")

    async def _back(self, go: Callable[[Booking], Awaitable[Edit | None]], said: str) -> None:
        try:
            edit = await go(self._booking)
        finally:
            self._on_trail(self._trail)
        if edit is not None:
            await self._show(edit)
            notify_done(f"{said}: {formatting.lower_first(edit.what)}.")

    async def move(self, drop: Drop) -> Edit | None:
        """None when the person chose nothing; not yet in the trail."""
        opened = await self._booking.open(drop.key)
        scope = await self.dialogs.scope_of(opened, "Move which of them?")
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
                scope = await self.dialogs.scope_of(opened, "Cancel which of them?")
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
