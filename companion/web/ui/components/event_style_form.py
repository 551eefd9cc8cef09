"""How events look in Google: their colour, also by appointment type, and their reminder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from nicegui import ui

from companion.domain.appointments import fold_name
from companion.domain.settings import SyncChoices
from companion.services.reminders import reminder_text
from companion.services.settings.checks import GOOGLE_COLOURS
from companion.web.ui.components.fields import chosen_reminder, reminder_choices
from companion.web.ui.theme import box, button, text

COLOURS: dict[str, str] = {"": "The calendar's own"} | {
    number: name.capitalize() for name, number in GOOGLE_COLOURS.items()
}


class EventStyleForm:
    def __init__(self, choices: SyncChoices, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._colours = dict(choices.type_colours)
        self._spelt: dict[str, str] = {each: each.capitalize() for each in self._colours}
        with box("columns"):
            self._colour = ui.select(COLOURS, label="Colour in Google", value=choices.colour)
            self._reminder = ui.select(
                reminder_choices(choices.reminder),
                label="Reminder, where the book says none",
                value=reminder_text(choices.reminder),
            )
            for each in (self._colour, self._reminder):
                each.classes("field").props("outlined options-dense")
                each.on_value_change(self._changed)
        with box("stack", tag="fieldset"):
            text("Colours by appointment type", tag="legend")
            self._rows = box("stack").props("aria-live=polite")
            with box("columns"):
                self._type = ui.select(
                    [], label="Appointment type", with_input=True, new_value_mode="add-unique"
                )
                self._type_colour = ui.select(
                    {key: name for key, name in COLOURS.items() if key}, label="Its colour"
                )
                for each in (self._type, self._type_colour):
                    each.classes("field").props("outlined options-dense")
            with box("actions"):
                button("Add this colour", self._add, icon="palette")
            text("Only for events that show their type in Google.", "soft small")
        self._draw()

    @property
    def colour(self) -> str:
        return self._colour.value or ""

    @property
    def type_colours(self) -> Mapping[str, str]:
        return dict(self._colours)

    @property
    def reminder(self) -> int | None:
        return chosen_reminder(self._reminder.value)

    @property
    def values(self) -> tuple[object, ...]:
        return self.colour, self.reminder, self.type_colours

    def offer(self, types: Iterable[str]) -> None:
        """Appointment types of the book, as they are spelt there."""
        found = sorted({each for each in types if each}, key=fold_name)
        self._spelt |= {fold_name(each): each for each in found}
        if found != self._type.options:
            self._type.set_options(found, value=self._type.value)
            self._draw()

    def _changed(self, _: object) -> None:
        self._on_change()

    def _add(self) -> None:
        kind, colour = str(self._type.value or "").strip(), self._type_colour.value
        self._type.error = None if kind else "Choose the appointment type, or write it."
        self._type_colour.error = None if colour else "Choose a colour."
        if not kind or not colour:
            return
        self._spelt[fold_name(kind)] = kind
        self._colours[fold_name(kind)] = colour
        self._type.set_value(None)
        self._type_colour.set_value(None)
        self._draw()
        self._on_change()

    def _remove(self, kind: str) -> None:
        self._colours.pop(kind, None)
        self._draw()
        self._on_change()

    def _draw(self) -> None:
        self._rows.clear()
        with self._rows:
            for kind, colour in sorted(self._colours.items()):
                name = self._spelt.get(kind, kind)
                with box("actions"):
                    text(f"{name}: {COLOURS[colour]}")
                    remove = button("Remove", partial(self._remove, kind), look="plain")
                    remove.props["aria-label"] = f"Remove the colour of {name}"
