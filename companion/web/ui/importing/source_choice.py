"""SourceChoice: which source a file is of. The known ones come first, so that importing by hand
and a watched folder share one; another site is a source of its own and gets a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nicegui import ui

from companion.domain.settings import SourceSettings
from companion.web.ui.theme import box, text

BY_COLUMNS = ""
ANOTHER = "\x00another"
MOST_BUTTONS = 8
SNAPSHOTS = {"": None, "changes": False, "whole": True}
"""By the choice of what a file holds: as `SourceSettings.snapshot`."""


def mode_of(source: SourceSettings) -> str:
    return next(mode for mode, snapshot in SNAPSHOTS.items() if snapshot is source.snapshot)


class SourceChoice:
    def __init__(
        self,
        known: Sequence[str],
        *,
        value: str | None = None,
        by_columns: str = "",
        another: str = "Another source, or another site: give it a name",
        new: bool = False,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        """`by_columns`: label for no choice; empty where there must be one. `new`: another one,
        called `value`, unless that is a known one."""
        self._on_change = on_change
        options = {name: name for name in known}
        options |= {BY_COLUMNS: by_columns} if by_columns else {}
        options[ANOTHER] = another
        first = BY_COLUMNS if by_columns else next(iter(options))
        chosen = ANOTHER if value and value not in options else value or first
        if new and not value:
            chosen = ANOTHER
        self._choice: ui.radio | ui.select
        if len(options) > MOST_BUTTONS:
            self._choice = ui.select(options, label="Source", value=chosen)
            self._choice.classes("field").props("outlined")
        else:
            text("Which source is it of?", "strong")
            self._choice = ui.radio(options, value=chosen)
            self._choice.props["aria-label"] = "Source"
        self._name_place = box()
        with self._name_place:
            self.name = ui.input(
                "Name of the source", value=value or "" if chosen == ANOTHER else ""
            )
            hint = 'hint="Such as: our clinic. Sites with numbers of their own are two sources."'
            self.name.classes("field").props(f"outlined maxlength=60 {hint}")
        self._choice.on_value_change(self._changed)
        self.name.on_value_change(on_change)
        self._name_place.set_visibility(chosen == ANOTHER)

    @property
    def value(self) -> str | None:
        """None where the columns decide, or no name has been given."""
        chosen = str(self._choice.value or "")
        return (str(self.name.value or "").strip() if chosen == ANOTHER else chosen) or None

    @property
    def unnamed(self) -> bool:
        """Another one was chosen, and it has no name yet."""
        return self._choice.value == ANOTHER and self.value is None

    def clear(self) -> None:
        self.name.value = ""

    def _changed(self) -> None:
        self._name_place.set_visibility(self._choice.value == ANOTHER)
        self._on_change()
