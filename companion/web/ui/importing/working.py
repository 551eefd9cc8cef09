"""Working: something that takes a while, with how far it is and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.theme import box, button, card, text


class Working:
    def __init__(
        self, title: str, on_cancel: Callable[[], object], *, stop: str = "Stop reading"
    ) -> None:
        self._title = title
        self._stage = ""
        self._seconds = 0
        with card():
            with box("stack"):
                text(f"{title} …", "strong").props("role=status")
                self._bar = ui.linear_progress(show_value=False, size="8px")
                self._bar.props('indeterminate rounded aria-label="Progress"')
                self._said = text("", "soft small")
            with box("actions"):
                button(stop, on_cancel, icon="close")
            ui.timer(1.0, self._tick)

    def show(self, stage: str, share: float) -> None:
        """`share`: of the file read so far, 0 to 1; only the reading itself knows it."""
        self._stage = stage
        if 0 < share < 1:
            self._bar.props(remove="indeterminate")
            self._bar.set_value(round(share, 2))
        else:
            self._bar.props("indeterminate")
        self._say()

    def _tick(self) -> None:
        self._seconds += 1
        self._say()

    def _say(self) -> None:
        since = f", {formatting.duration(self._seconds)}" if self._seconds > 1 else ""
        self._said.set_text(f"{self._stage}{since}")
