"""Fields for a day, a time and a whole number.

The browser's own would follow the language it is installed in (11/29/2026, 07:00 PM): these are
plain fields that read what people type (`ui/typed.py`) and show, once left, what was understood. A
number outside its range is said under its field and stays as it was typed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from nicegui import ui

from companion.domain.errors import BadInput
from companion.web.ui import typed
from companion.web.ui.components.month_picker import MonthPicker
from companion.web.ui.theme import button

QUARTER = timedelta(minutes=15)


class _TypedField(ui.input, ABC):
    """`on_change` is called for what is whole, not for each letter."""

    def __init__(self, label: str, value: str, on_change: Callable[[], Any] | None) -> None:
        super().__init__(label, value=value)
        self.classes("field").props("outlined stack-label autocomplete=off")
        self._told = on_change
        self.on_value_change(self._typed)
        self.on("blur", self.tidy, args=[])
        self.on("keydown.up.prevent", lambda: self._step(1), args=[])
        self.on("keydown.down.prevent", lambda: self._step(-1), args=[])

    def _typed(self) -> None:
        self.error = None
        if self._told is not None and self._is_whole(self.value or ""):
            self._told()

    def tidy(self) -> None:
        """Show what was understood, or why it was not."""
        if not self.value:
            return
        try:
            self.value = self._understood()
        except BadInput as error:
            self.error = f"{error.what} {error.remedy}"

    @abstractmethod
    def _is_whole(self, text: str) -> bool:
        """Nothing more is going to be typed."""

    @abstractmethod
    def _understood(self) -> str:
        """What was understood; raises BadInput."""

    @abstractmethod
    def _step(self, by: int) -> None:
        """An arrow key, up or down."""


class DayField(_TypedField):
    def __init__(
        self,
        label: str,
        day: date | None,
        *,
        near: date,
        field: str = "",
        on_change: Callable[[], Any] | None = None,
    ) -> None:
        """`near`: the day that is meant more or less. `field` is named by what `day` raises."""
        super().__init__(label, typed.day_text(day), on_change)
        self._near = near
        self._field = field
        self._menu: ui.menu | None = None
        with self.add_slot("append"):
            opener = button("", self._choose, icon="event", look="plain", repeats=True)
            opener.classes("btn--in-field").props("tabindex=-1")
            opener.props["aria-label"] = f"{label}: choose a day"

    def day(self) -> date:
        """Raises BadInput."""
        return typed.day_of(self.value or "", near=self._near, field=self._field)

    def show(self, day: date) -> None:
        self.value = typed.day_text(day)

    def _is_whole(self, text: str) -> bool:
        return typed.is_whole_day(text)

    def _understood(self) -> str:
        return typed.day_text(self.day())

    def _known(self) -> date:
        try:
            return self.day()
        except BadInput:
            return self._near

    def _step(self, by: int) -> None:
        self.show(self._known() + timedelta(days=by))

    def _choose(self) -> None:
        if self._menu is not None:
            self._menu.delete()
        with self, ui.menu() as self._menu:
            self._menu.props('no-parent-event no-refocus role=dialog aria-label="Choose a day"')

            def pick(day: date) -> None:
                self.show(day)
                if self._menu is not None:
                    self._menu.close()
                self.run_method("focus")

            MonthPicker(selected=self._known(), on_pick=pick)
        self._menu.open()


class TimeField(_TypedField):
    def __init__(
        self,
        label: str,
        clock: time,
        *,
        field: str = "",
        on_change: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__(label, typed.clock_text(clock), on_change)
        self._field = field

    def clock(self) -> time:
        """Raises BadInput."""
        return typed.clock_of(self.value or "", field=self._field)

    def show(self, clock: time) -> None:
        self.value = typed.clock_text(clock)

    def _is_whole(self, text: str) -> bool:
        return typed.is_whole_clock(text)

    def _understood(self) -> str:
        return typed.clock_text(self.clock())

    def _step(self, by: int) -> None:
        try:
            now = self.clock()
        except BadInput:
            now = time(9)
        moved = datetime.combine(date.min + timedelta(days=1), now) + by * QUARTER
        self.show(moved.time())


class NumberField(ui.number):
    def __init__(
        self,
        label: str,
        value: float | None,
        *,
        least: int,
        most: int,
        field: str = "",
        needed: bool = True,
        on_change: Callable[..., Any] | None = None,
    ) -> None:
        """`needed`: it must not stay empty."""
        self._range = least, most
        self._field = field
        self._needed = needed
        super().__init__(label, value=value, on_change=on_change, validation=self._wrong)
        self.classes("field").props("outlined inputmode=numeric")

    def _wrong(self, value: float | None) -> str | None:
        least, most = self._range
        good = not self._needed if value is None else least <= value <= most and value == int(value)
        return None if good else f"Use a whole number from {least:,} to {most:,}."

    def number(self) -> int | None:
        """None where it is empty and may be; raises BadInput."""
        wrong = self._wrong(self.value)
        if wrong is not None:
            raise BadInput("This number is out of range.", wrong, field=self._field)
        return None if self.value is None else int(self.value)

    def whole(self) -> int:
        """Of one that is needed."""
        found = self.number()
        if found is None:
            raise BadInput("A number is missing.", "Type one.", field=self._field)
        return found
