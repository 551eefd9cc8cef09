"""Fields that are saved together, and what says that they are not saved yet."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from companion.web.ui.theme import text


class Unsaved:
    """Says "Not saved yet" while fields differ from what was saved; then leaving asks."""

    def __init__(self, *fields: ValueElement[Any]) -> None:
        self._fields = fields
        self._saved = self._values()
        self._words: ui.element | None = None
        for field in fields:
            field.on_value_change(self._look)

    def place(self) -> None:
        self._words = text("Not saved yet", "unsaved strong").props("role=status")
        self._look()

    def saved(self) -> None:
        self._saved = self._values()
        self._look()

    def _values(self) -> list[object]:
        return [field.value for field in self._fields]

    def _look(self, *_: object) -> None:
        if self._words is not None:
            self._words.set_visibility(self._values() != self._saved)
