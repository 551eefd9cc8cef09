"""The toolbar of the book: day and view, filters, and what can be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from nicegui import ui

from companion.web.ui import formatting, typed
from companion.web.ui.book.choice import OF_ONE, VIEWS, ShownView
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import errors_at, first_of, offer_when_opened
from companion.web.ui.components.month_picker import Counts, MonthPicker
from companion.web.ui.theme import box, button, facts, menu_item, set_class

Act = Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    new: Act
    undo: Act
    redo: Act
    search: Act
    export: Act
    print: Act
    hours: Act
    keys: Act


class BookToolbar:
    def __init__(
        self,
        choice: ShownView,
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
                self._date = button("", self._pick_day, look="plain")
                self._date.classes("book__date")
            self._people()
            with box("book__views").props('role=group aria-label="View"'):
                self._views = {
                    view: button(label, partial(self._to_view, view))
                    for view, label in VIEWS.items()
                }
            with box("book__acts"):
                new = button("New", actions.new, icon="add", look="primary")
                new.props('aria-label="New appointment" aria-keyshortcuts="N"')
                new.set_visibility(edits)
                self._undo = self._small("Undo", "undo", actions.undo, "Control+Z")
                self._redo = self._small("Redo", "redo", actions.redo, "Control+Y")
                for each in (self._undo, self._redo):
                    each.set_visibility(edits)
                self._small("Search", "search", actions.search, "/")
                self._filters()
                self._more(actions, edits=edits)
        self._begun = True
        self.arrange()
        self.can_undo("", "")

    def _people(self) -> None:
        choice, names = self._choice, self._names
        self._who = ui.select(
            first_of(names, choice.who),
            label="Practitioners",
            multiple=True,
            value=list(choice.who),
            on_change=self._filter,
        ).props("stack-label clearable")
        self._one = ui.select(
            first_of(names, [choice.one] if choice.one else []),
            label="Practitioner",
            value=choice.one or None,
            on_change=self._filter,
        )
        for each in (self._who, self._one):
            each.classes("book__who").props("outlined dense options-dense")
            offer_when_opened(each, lambda: dict(self._names))

    def _filters(self) -> None:
        self._filter_button = self._small("Filters", "filter_list")
        self._filter_button.props("aria-haspopup=dialog")
        with self._filter_button, ui.menu() as menu, box("book__filters"):
            menu.props('role=dialog aria-label="Filters"')
            self._location = ui.select(
                {"": "All locations"}, label="Location", value="", on_change=self._filter
            )
            self._location.classes("field").props("outlined dense options-dense")
            self._cancelled = ui.checkbox(
                "Show cancelled", value=self._choice.cancelled, on_change=self._filter
            )

    @staticmethod
    def _small(
        name: str,
        icon: str,
        act: Act | None = None,
        keys: str = "",
    ) -> ui.button:
        """Only an icon is seen of it."""
        made = button("", act, icon=icon).classes("btn--icon")
        made.props["aria-label"] = made.props["title"] = name
        if keys:
            made.props["aria-keyshortcuts"] = keys
        return made

    def _turn(self, label: str, icon: str, by: int) -> None:
        made = button("", partial(self.turn_page, by), icon=icon, repeats=True)
        made.classes("btn--icon").props(f'aria-label="{label}" title="{label}"')

    def _more(self, actions: Actions, *, edits: bool) -> None:
        more = self._small("More", "more_vert")
        more.props("aria-haspopup=menu")
        with more, ui.menu().props("auto-close"):
            menu_item("Export to Google/iCal …", actions.export)
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
            jump = ui.input("Jump to a date", value=typed.day_text(self._choice.day))
            jump.classes("field").props("outlined dense stack-label autocomplete=off")

            async def go() -> None:
                with errors_at({"jump": jump}):
                    day = typed.day_of(jump.value or "", near=self._choice.day, field="jump")
                    await pick(day)

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
        self._show_filters()
        await self._on_change()

    def follow(self) -> None:
        """Bring the fields to what was chosen without them."""
        choice, one = self._choice, [self._choice.one] if self._choice.one else []
        self._begun = False
        self._who.set_options(first_of(self._names, choice.who), value=list(choice.who))
        self._one.set_options(first_of(self._names, one), value=choice.one or None)
        places = {choice.location: choice.location, **dict(self._location.options)}
        self._location.set_options(places, value=choice.location)
        self._cancelled.value = choice.cancelled
        self._begun = True
        self.arrange()

    async def _changed(self) -> None:
        self.arrange()
        await self._on_change()

    def arrange(self) -> None:
        """Bring labels and pressed buttons to what is chosen."""
        view = self._choice.shown_view
        self._date.text = self._choice.short_title()
        self._date.props["aria-label"] = f"{self._date.text}. Choose another day"
        for name, each in self._views.items():
            each.props["aria-pressed"] = "true" if name == view else "false"
            set_class(each, "btn--chosen", on=name == view)
            each.update()
        self._date.update()
        self._show_filters()
        self._who.set_visibility(view not in OF_ONE)
        self._one.set_visibility(view in OF_ONE)

    def _show_filters(self) -> None:
        """Who is shown, in few words; and whether something is filtered away."""
        choice = self._choice
        chosen = [self._names[each] for each in choice.who if each in self._names]
        people = chosen[0] if len(chosen) == 1 else f"{len(chosen)} practitioners"
        self._who.props["display-value"] = people if chosen else "Everyone"
        self._who.update()
        on = ", ".join(filter(None, [choice.location, "" if choice.cancelled else "no cancelled"]))
        name = f"Filters: {on}" if on else "Filters"
        filters = self._filter_button
        filters.props["aria-label"] = filters.props["title"] = name
        set_class(filters, "btn--chosen", on=bool(on))
        filters.update()

    def can_undo(self, last: str, following: str) -> None:
        """The last edit, and the one that was undone last, in words; empty where there is none."""
        for each, verb, what in ((self._undo, "Undo", last), (self._redo, "Redo", following)):
            name = f"{verb} {formatting.lower_first(what)}" if what else verb
            each.set_enabled(bool(what))
            each.props["aria-label"] = each.props["title"] = name
            each.update()

    def offer(self, names: Mapping[str, str], locations: Sequence[str]) -> None:
        """What the filters can choose from."""
        self._begun = False
        self._names = names
        options = {"": "All locations", **{each: each for each in locations}}
        if self._location.options != options:
            self._location.set_options(options)
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
        "Ctrl+Y": "Redo",
        "/": "Search",
    }
    with dialog("Keyboard", "small") as opened:
        facts(keys.items())
        button("Close", opened.close, look="primary")
