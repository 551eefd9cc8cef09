"""BookScreen: what is on one open page of the Appointment Book.

The page holds what is looked at (`ShownView`); `BookEdits` makes its changes. Whatever is done on
screen is drawn by the browser at once; then the service decides, and what `refresh` sends replaces
it. A timer looks at one number (`BookPulse`), so other windows and commands show
here within a second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nicegui import ui

from companion.domain.errors import BadInput, ChangedMeanwhile
from companion.domain.palette import PALETTE
from companion.services.book.booking import Edit
from companion.services.book.occurrences import Shown
from companion.services.book.trail import Trail
from companion.services.book.view import BookEntry
from companion.web.ui import formatting
from companion.web.ui.book import payload
from companion.web.ui.book.calendar import Act, AppointmentCalendar, Drop, TimeSlot
from companion.web.ui.book.choice import OF_ONE, ShownView
from companion.web.ui.book.edits import BookEdits, blank_draft
from companion.web.ui.book.export import ExportDialog
from companion.web.ui.book.form import Offers
from companion.web.ui.book.hours import HoursDialog
from companion.web.ui.book.memory import TabMemory, tab_memory
from companion.web.ui.book.month import MonthView
from companion.web.ui.book.person import calendars_of, current_person
from companion.web.ui.book.search import SearchDialog
from companion.web.ui.book.shows import open_shows
from companion.web.ui.book.status import BookStatus
from companion.web.ui.book.suggestions import Suggestions
from companion.web.ui.book.toolbar import Actions, BookToolbar, keyboard_help
from companion.web.ui.error_reports import (
    as_companion_error,
    notify,
    notify_done,
    notify_of,
    report_errors,
)
from companion.web.ui.site import Site
from companion.web.ui.theme import set_class

LOOK_SECONDS = 0.2


class BookScreen:
    """What is on one open page."""

    def __init__(self, site: Site, choice: ShownView) -> None:
        self._site = site
        self._services = site.services
        self._pulse = site.pulse
        self._choice = choice
        self._person = current_person(site)
        self._reading = 0
        self._seen = -1
        self._focus = ""
        self._memory = TabMemory()
        self._ready = False
        self._scrolled = False
        self._suggestions = Suggestions()
        self._visible: frozenset[str] = frozenset()
        """Keys of what is on screen."""
        self._edits = BookEdits(
            self._services,
            self._person,
            offers=self._offers,
            upload=self._upload,
            on_edit=self._edited,
            on_trail=self._offer_undo,
        )
        self._toolbar = BookToolbar(
            choice,
            names=self._names(),
            today=self._services.book_view.today,
            counts=lambda first, last: self._services.book_view.counts(self._chosen(), first, last),
            on_change=self.refresh,
            edits=self._person.edits,
            actions=Actions(
                new=lambda: self._new(TimeSlot()),
                undo=self._edits.undo,
                redo=self._edits.redo,
                search=self._search,
                export=self._export,
                print=self._print,
                hours=self._hours,
                keys=keyboard_help,
            ),
        )
        self._calendar = AppointmentCalendar(
            zone=site.timezone,
            on_ready=self._on_ready,
            on_narrow=self._on_narrow,
            on_open=self._edits.dialogs.open,
            on_create=self._new,
            on_move=self._moved,
            on_act=self._act,
        )
        self._month = MonthView(today=self._services.book_view.today(), on_pick=self._day_of_month)
        self._month.set_visibility(False)
        self._status = BookStatus(site, self._names)
        ui.timer(LOOK_SECONDS, report_errors(self._look))

    # ── what is looked at ─────────────────────────────────────────────────────────────────────

    def _columns(self) -> list[payload.PractitionerColumn]:
        """Everybody this person may see, in display order."""
        records = self._services.settings.read().practitioners
        places = {key: number for number, key in enumerate(records)}
        return [
            payload.PractitionerColumn(
                practitioner=records[key].practitioner,
                colour=records[key].practitioner.colour or PALETTE[places[key] % len(PALETTE)],
                hours=records[key].availability,
            )
            for key in calendars_of(self._person, list(records))
        ]

    def _names(self) -> dict[str, str]:
        return {each.practitioner.id: each.practitioner.name for each in self._columns()}

    def _shown_columns(self) -> list[payload.PractitionerColumn]:
        choice, columns = self._choice, self._columns()
        if choice.shown_view in OF_ONE:
            return [each for each in columns if each.practitioner.id == choice.one] or columns[:1]
        if choice.who:
            return [each for each in columns if each.practitioner.id in choice.who]
        return columns

    def _chosen(self) -> list[str]:
        return [each.practitioner.id for each in self._shown_columns()]

    async def _on_ready(self, narrow: bool) -> None:
        self._choice.narrow = narrow
        if not self._ready:
            self._memory = tab_memory(self._site.who().id)
            self._choice.location = self._memory.location
            self._edits.go_on_with(self._memory.trail)
        self._ready = True
        self._toolbar.follow()
        await self.refresh()

    def _take(self, choice: ShownView) -> None:
        """Look at what `choice` says; the toolbar holds the same object."""
        for each in fields(choice):
            setattr(self._choice, each.name, getattr(choice, each.name))
        self._toolbar.follow()

    async def _day_of_month(self, day: date) -> None:
        self._choice.day, self._choice.view = day, "day"
        self._toolbar.arrange()
        await self.refresh()

    async def _on_narrow(self, narrow: bool) -> None:
        self._choice.narrow = narrow
        self._toolbar.arrange()
        await self.refresh()

    async def _look(self) -> None:
        self._status.look()
        if self._ready and self._pulse.look() != self._seen:
            await self.refresh()

    async def refresh(self, focus: str = "") -> None:
        """Read the visible range and show it; a later reading overtakes an earlier one, and takes
        over what that was to bring the `focus` to."""
        self._focus = focus or self._focus
        self._memory.location = self._choice.location
        self._reading += 1
        reading = self._reading
        self._seen = self._pulse.version
        columns = self._shown_columns()
        first, last = self._choice.span()
        ids = [each.practitioner.id for each in columns]
        entries = await self._services.book_view.entries(ids, first, last)
        if reading != self._reading:
            return
        self._suggestions.note(entries)
        kept = [each for each in entries if self._choice.shows(each)]
        self._visible = frozenset(each.occurrence.key for each in kept)
        by_month = self._choice.shown_view == "month"
        # Not `visible`: the keys of the book are the calendar's, and it is heard while it is away.
        set_class(self._calendar, "book__grid--away", on=by_month)
        self._month.set_visibility(by_month)
        if by_month:
            self._month.show(self._choice.day, columns[0].colour if columns else "", kept)
        self._calendar.show(self._page_of([] if by_month else kept, columns))
        self._focus = ""
        self._toolbar.offer(self._names(), self._suggestions.locations(self._columns()))

    def _page_of(
        self, entries: Sequence[BookEntry], columns: Sequence[payload.PractitionerColumn]
    ) -> payload.Payload:
        choice, edits = self._choice, self._person.edits
        page = payload.page_of(
            entries, columns, view=choice.shown_view, days=choice.span(), edits=edits
        )
        return {
            "stamp": self._reading,
            "focus": self._focus,
            "scroll": self._scroll(),
            "title": choice.title(),
            "address": choice.address(),
            "rights": {"edits": edits, "uploads": self._person.uploads},
            **page,
        }

    def _scroll(self) -> str:
        """Where the day opens at first: an hour before now, else at eight."""
        if self._scrolled:
            return ""
        self._scrolled = True
        now = self._services.clock.now().astimezone(ZoneInfo(self._site.timezone))
        hour = now.hour - 1 if self._choice.day == now.date() and 8 < now.hour < 18 else 8
        return f"{hour:02}:00:00"

    def _offers(self) -> Offers:
        records = self._services.settings.read().practitioners
        return self._suggestions.offers(self._columns(), records)

    # ── edits ─────────────────────────────────────────────────────────────────────────────────

    async def _new(self, slot: TimeSlot) -> None:
        chosen = self._chosen()
        draft = blank_draft(slot, chosen[0] if chosen else "", self._next_slot(), self._offers())
        await self._edits.dialogs.new(draft)

    def _next_slot(self) -> datetime:
        """On the day shown: the next quarter of an hour if it is today, else nine."""
        now = self._services.clock.now().astimezone(ZoneInfo(self._site.timezone))
        if self._choice.day != now.date() or not 6 <= now.hour < 20:
            return datetime.combine(self._choice.day, time(9))
        quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0, tzinfo=None)
        return quarter + timedelta(minutes=15)

    async def _edited(self, edit: Edit) -> None:
        """Show what an edit led to, or say where it is when that is not on screen."""
        await self.refresh(edit.key)
        if not edit.key or edit.key in self._visible:
            return
        opened = await self._services.booking.open(edit.key)
        occurrence, draft = opened.occurrence, opened.draft
        there = self._choice.revealing(occurrence, cancelled=opened.cancelled)
        span = formatting.span(draft.start, draft.end, all_day=draft.all_day, year=True)
        who = self._names().get(draft.practitioner_id, "")
        notify_done(f"{edit.what}: {span}, {who}.", link=("Show it", there.address()))

    def _offer_undo(self, trail: Trail) -> None:
        self._toolbar.can_undo(trail.last, trail.next)

    async def _moved(self, drop: Drop) -> None:
        try:
            edit = await self._edits.move(drop)
        except Exception as error:  # noqa: BLE001 - the drawing must be put right whatever happened
            edit = None
            notify(as_companion_error(error))
        self._calendar.confirm_move(drop.key)
        if edit is None:
            await self.refresh()
            return
        await self._edits.done(edit)
        await self._notify_moved(edit)

    async def _notify_moved(self, edit: Edit) -> None:
        when, overlaps = await self._edits.placed(edit)
        if overlaps:
            also = "another appointment" if overlaps == 1 else f"{overlaps} appointments"
            notify_of(f"{edit.what}: {when} overlaps with {also}.")
        elif when:
            self._calendar.announce(f"{edit.what}: now {when}.")

    # ── menus and keys ────────────────────────────────────────────────────────────────────────

    async def _act(self, act: Act) -> None:
        match act.what:
            case "undo":
                await self._edits.undo()
            case "redo":
                await self._edits.redo()
            case "today":
                await self._toolbar.today()
            case "previous" | "next":
                await self._toolbar.turn_page(-1 if act.what == "previous" else 1)
            case "search":
                self._search()
            case "keys":
                keyboard_help()
            case "copy":
                await self._edits.dialogs.copy(act.key)
            case "shows":
                await open_shows(self._services.book_view, act.key)
            case "upload":
                self._upload(act.place.practitioner_id or self._choice.one)
            case "cancel" | "restore":
                try:
                    await self._edits.act_on_key(act.what, act.key, act.seen)
                except ChangedMeanwhile:
                    await self.refresh()
                    raise

    def _upload(self, practitioner_id: str) -> None:
        record = self._services.settings.read().practitioner(practitioner_id)
        name = record.practitioner.name
        if not record.google.connected:
            raise BadInput(f"{name} is not connected to Google yet.", "Connect on the overview.")
        if not record.choices.enabled:
            raise BadInput(
                f"Google Calendar sync is switched off for {name}.", "Switch it on in the settings."
            )
        self._status.upload(practitioner_id)

    def _search(self) -> None:
        ids = calendars_of(self._person, list(self._services.settings.read().practitioners))

        async def show(found: Shown) -> None:
            choice = self._choice.revealing(found.occurrence, cancelled=found.cancelled)
            self._take(choice)
            await self.refresh(found.occurrence.key)

        def search(wanted: str) -> Awaitable[list[Shown]]:
            return self._services.book_view.search(ids, wanted)

        SearchDialog(search, self._names, show)

    def _export(self) -> None:
        focus = self._choice.one if self._choice.shown_view in OF_ONE else ""
        ExportDialog(
            self._site,
            self._person,
            self._names(),
            focus=focus,
            today=self._services.book_view.today(),
        )

    def _print(self) -> None:
        choice = self._choice
        who = ",".join(self._chosen()) if choice.who or choice.shown_view in OF_ONE else ""
        cancelled = "1" if choice.cancelled else ""
        address = f"/book/print?day={choice.day.isoformat()}&who={who}&cancelled={cancelled}"
        ui.navigate.to(address, new_tab=True)

    def _hours(self) -> None:
        focus = self._chosen()[0] if self._chosen() else ""
        HoursDialog(
            self._services.availability,
            self._names(),
            self._suggestions.locations(self._columns()),
            focus=focus,
            on_saved=self.refresh,
        )
