"""The toolbar of the book: day and view, filters, and what can be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from nicegui import ui

from companion.services.book.occurrences import Shown
from companion.services.book.view import BookEntry
from companion.web.ui.book.month_picker import Counts, MonthPicker
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import first_of, offer_when_opened
from companion.web.ui.theme import box, button, menu_item, text

VIEWS = {"day": "Day", "week": "Week", "workweek": "Work week", "list": "List"}
OF_ONE = frozenset({"week", "workweek"})
"""Views of one practitioner."""


@dataclass(slots=True, kw_only=True)
class Choice:
    """What is looked at; of one open page."""

    day: date
    view: str = "day"
    narrow: bool = False
    """The window is wide enough for the list only."""
    who: list[str] = field(default_factory=list)
    """Practitioner ids in day and list; empty for everyone."""
    one: str = ""
    """The practitioner of the week views."""
    location: str = ""
    cancelled: bool = True
    """Show cancelled ones, struck through."""

    @property
    def shown_view(self) -> str:
        return "list" if self.narrow else self.view

    def shows(self, entry: BookEntry) -> bool:
        if entry.shown.cancelled and not self.cancelled:
            return False
        return not self.location or entry.occurrence.location == self.location

    def reveal(self, entry: Shown) -> None:
        """Change what hides it."""
        occurrence = entry.occurrence
        who = occurrence.appointment.practitioner_id
        self.day, self.one = occurrence.start.date(), who
        if self.who and who not in self.who:
            self.who = [*self.who, who]
        if self.location != occurrence.location:
            self.location = ""
        self.cancelled = self.cancelled or entry.cancelled

    def span(self) -> tuple[date, date]:
        """First and last day on screen."""
        if self.shown_view not in OF_ONE:
            return self.day, self.day
        monday = self.day - timedelta(days=self.day.weekday())
        return monday, monday + timedelta(days=4 if self.view == "workweek" else 6)

    def step(self, by: int) -> date:
        """The day after turning over `by` pages."""
        return self.day + timedelta(days=7 * by if self.shown_view in OF_ONE else by)

    def title(self) -> str:
        first, last = self.span()
        if first == last:
            return f"{first:%A} {first.day} {first:%B} {first.year}"
        month = f" {first:%b}" if first.month != last.month else ""
        return f"{first.day}{month} – {last.day} {last:%B} {last.year}"


Act = Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    new: Act
    undo: Act
    search: Act
    export: Act
    print: Act
    hours: Act
    keys: Act


class BookToolbar:
    def __init__(
        self,
        choice: Choice,
        *,
        names: Mapping[str, str],
        today: Callable[[], date],
        counts: Counts,
        on_change: Callable[[], Awaitable[None]],
        edits: bool,
        actions: Actions,
    ) -> None:
        """`edits`: offer what changes the book."""
        self._choice = choice
        self._today = today
        self._counts = counts
        self._on_change = on_change
        self._begun = False
        self._names = names
        with box("book__bar"):
            with box("book__turn"):
                button("Today", self.today).props('aria-keyshortcuts="T"')
                self._turn("Previous", "chevron_left", -1)
                self._turn("Next", "chevron_right", 1)
                self._date = button("", self._pick_day, icon="calendar_month")
                self._date.classes("book__date")
            with box("book__views").props('role=group aria-label="View"'):
                self._views = {
                    view: button(label, partial(self._to_view, view))
                    for view, label in VIEWS.items()
                }
            with box("actions"):
                new = button("New appointment", actions.new, icon="add", look="primary")
                new.props('aria-keyshortcuts="N"').set_visibility(edits)
                self._undo = button("Undo", actions.undo, icon="undo")
                self._undo.props('aria-keyshortcuts="Control+Z"').set_visibility(edits)
                button("Export to Google/iCal", actions.export, icon="ios_share")
                self._more(actions, edits=edits)
        with box("book__filters"):
            self._who = ui.select(
                first_of(names, choice.who),
                label="Practitioners",
                multiple=True,
                value=list(choice.who),
                on_change=self._filter,
            ).props("use-chips clearable")
            self._one = ui.select(
                first_of(names, [choice.one] if choice.one else []),
                label="Practitioner",
                value=choice.one or None,
                on_change=self._filter,
            )
            for each in (self._who, self._one):
                offer_when_opened(each, lambda: dict(self._names))
            self._location = ui.select(
                {"": "All locations"}, label="Location", value="", on_change=self._filter
            )
            for each in (self._who, self._one, self._location):
                each.classes("book__filter").props("outlined dense options-dense")
            self._cancelled = ui.checkbox("Show cancelled", value=True, on_change=self._filter)
            button("Search", actions.search, icon="search").props('aria-keyshortcuts="/"')
        self._begun = True
        self.arrange()
        self.can_undo("")

    def _turn(self, label: str, icon: str, by: int) -> None:
        made = button("", partial(self.turn_page, by), icon=icon, repeats=True)
        made.classes("btn--icon").props(f'aria-label="{label}" title="{label}"')

    def _more(self, actions: Actions, *, edits: bool) -> None:
        more = button("More", icon="more_vert")
        more.props("aria-haspopup=menu")
        with more, ui.menu().props("auto-close"):
            menu_item("Print this day", actions.print)
            if edits:
                menu_item("Working hours …", actions.hours)
            menu_item("Keyboard …", actions.keys)

    # ── the day ───────────────────────────────────────────────────────────────────────────────

    async def today(self) -> None:
        await self.go(self._today())

    async def turn_page(self, by: int) -> None:
        await self.go(self._choice.step(by))

    async def go(self, day: date) -> None:
        self._choice.day = day
        await self._changed()

    async def _pick_day(self) -> None:
        with dialog("Choose a day", "small", asks=False) as opened:

            async def pick(day: date) -> None:
                opened.close()
                await self.go(day)

            month = MonthPicker(
                selected=self._choice.day, today=self._today(), counts=self._counts, on_pick=pick
            )
            jump = ui.input("Jump to a date", value=self._choice.day.isoformat())
            jump.classes("field").props("type=date outlined dense stack-label")

            async def go() -> None:
                await pick(date.fromisoformat(jump.value or self._choice.day.isoformat()))

            with box("actions"):
                button("Go", go, look="primary")
                button("Close", opened.close, look="plain")
        await month.look(self._choice.day)

    # ── view and filters ──────────────────────────────────────────────────────────────────────

    async def _to_view(self, view: str) -> None:
        self._choice.view = view
        if view in OF_ONE and not self._choice.one:
            self._choice.one = next(iter(self._choice.who or self._names), "")
            self._begun = False
            self._one.set_options(dict(self._names))
            self._one.value = self._choice.one or None
            self._begun = True
        await self._changed()

    async def _filter(self) -> None:
        if not self._begun:
            return
        choice = self._choice
        choice.who = list(self._who.value or [])
        choice.one = self._one.value or ""
        choice.location = self._location.value or ""
        choice.cancelled = bool(self._cancelled.value)
        await self._on_change()

    def reveal(self, entry: Shown) -> None:
        """Bring the choice, and the fields that show it, to where `entry` is seen."""
        choice = self._choice
        choice.reveal(entry)
        self._begun = False
        names = dict(self._names)
        self._who.set_options(names, value=list(choice.who))
        self._one.set_options(names, value=choice.one or None)
        self._location.value, self._cancelled.value = choice.location, choice.cancelled
        self._begun = True
        self.arrange()

    async def _changed(self) -> None:
        self.arrange()
        await self._on_change()

    def arrange(self) -> None:
        """Bring labels and pressed buttons to what is chosen."""
        view = self._choice.shown_view
        self._date.text = self._choice.title()
        self._date.props["aria-label"] = f"{self._choice.title()}. Choose another day"
        for name, each in self._views.items():
            each.props["aria-pressed"] = "true" if name == view else "false"
            each.classes(
                add="btn--chosen" if name == view else "",
                remove="" if name == view else "btn--chosen",
            )
            each.update()
        self._date.update()
        self._who.set_visibility(view not in OF_ONE)
        self._one.set_visibility(view in OF_ONE)

    def can_undo(self, what: str) -> None:
        """`what` names the last edit; empty when there is none."""
        self._undo.set_enabled(bool(what))
        self._undo.text = f"Undo {what[:1].lower()}{what[1:]}" if what else "Undo"

    def offer(self, names: Mapping[str, str], locations: Mapping[str, str]) -> None:
        """What the filters can choose from."""
        self._begun = False
        self._names = names
        if self._location.options != dict(locations):
            self._location.set_options(dict(locations))
        self._begun = True


def keyboard_help() -> None:
    keys = {
        "N": "New appointment",
        "T": "Today",
        "Page up, Page down": "The day or week before, after",
        "Tab, arrows": "Go from one appointment to another",
        "Enter": "Open",
        "Shift+F10": "Menu",
        "Alt+arrow up, down": "A quarter of an hour earlier, later",
        "Alt+arrow left, right": "To the practitioner, or day, beside",
        "Alt+Shift+arrow up, down": "Shorter, longer",
        "Delete": "Cancel appointment",
        "Ctrl+Z": "Undo",
        "/": "Search",
    }
    with dialog("Keyboard", "small") as opened:
        with box("facts", tag="dl"):
            for key, what in keys.items():
                text(key, tag="dt")
                text(what, tag="dd")
        button("Close", opened.close, look="primary")
