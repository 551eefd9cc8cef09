"""Tray: a small process of its own beside the app, with an icon in the desktop's tray.

It shows how all calendars stand, by colour and shape, and passes on what is chosen in its menu.
Many desktops show no tray, or no menu on it (plain X11 has one action for a click): nothing depends
on it, and everything that it says is on the page and in `run.py status`. It ends with the app.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from companion.desktop.entries import NAME
from companion.desktop.tray_picture import tray_picture
from companion.desktop.tray_x11 import has_a_place, mend

if TYPE_CHECKING:
    import pystray

log = logging.getLogger(__name__)
Ask = Callable[[str], Mapping[str, Any] | None]
"""Asks the app of this home; None where it does not answer."""
LOOK_SECONDS = 3.0
SILENT = 5
"""Looks without an answer after which the app has ended, where nothing tells it."""
MOST_TITLE = 127
"""Characters that Windows shows."""


class Tray:
    def __init__(
        self,
        ask: Ask,
        open_app: Callable[[], None],
        *,
        icon: type[Any] | None = None,
        seconds: float = LOOK_SECONDS,
    ) -> None:
        """`icon`: another than pystray's for this desktop. `seconds` between looks."""
        self._ask = ask
        self._open_app = open_app
        self._icon_class = icon
        self._seconds = seconds
        self._over = threading.Event()
        self._looked_again = threading.Event()
        self._silent = 0
        self._shown: tuple[str, str] = ("", "")
        self._shared = False
        """Whether other workstations may keep the calendars meanwhile."""
        self._icon: pystray.Icon | None = None
        self._keep_place: Callable[[], None] = lambda: None

    def run(self) -> None:
        """In the process's main thread, until the app has ended or the person quits. Raises
        whatever keeps the icon from being shown: another error on every desktop."""
        import pystray

        item, no = pystray.MenuItem, lambda *_: None
        menu = pystray.Menu(
            item(lambda _: self._shown[1], no, enabled=False),
            pystray.Menu.SEPARATOR,
            item("Open", lambda *_: self._open_app(), default=True),
            item("Sync now", lambda *_: self._do("sync")),
            item(self._pause_words, lambda *_: self._do(self._pause_word())),
            pystray.Menu.SEPARATOR,
            item(self._quit_words, lambda *_: self._quit()),
        )
        icon = self._icon_class or pystray.Icon
        first = self._answer("status")
        while not has_a_place(icon):
            self._over.wait(self._seconds)
            first = self._answer("status")
            if self._over.is_set():
                return
        self._icon = icon("calendar-companion", menu=menu)
        self._keep_place = mend(self._icon)
        self._show(first)
        self._icon.run(setup=self._watch)
        self.app_ended()  # or the desktop has: then nothing is left to watch for

    def app_ended(self) -> None:
        """The icon goes. From any thread, at any time."""
        self._over.set()
        self._looked_again.set()

    def _watch(self, icon: pystray.Icon) -> None:
        """In a thread of its own, once the icon can be shown."""
        try:
            icon.visible = True
            while not self._over.is_set():
                self._looked_again.wait(self._seconds)
                self._looked_again.clear()
                if not self._over.is_set():
                    self._show(self._answer("status"))
                    self._keep_place()
        except Exception as error:  # noqa: BLE001 - of the desktop, whatever it is
            log.warning("the tray icon was given up: %s", type(error).__name__)
        with suppress(Exception):
            icon.stop()

    def _answer(self, word: str) -> Mapping[str, Any]:
        found = self._ask(word)
        self._silent = 0 if found else self._silent + 1
        if self._silent >= SILENT:
            self._over.set()
        return found or {}

    def _show(self, said: Mapping[str, Any]) -> None:
        self._shared = bool(said.get("shared", self._shared))
        shown = str(said.get("mood", "offline")), str(said.get("sentence", "It does not answer."))
        if self._icon is None or shown == self._shown:
            return
        if shown[0] != self._shown[0]:
            self._icon.icon = tray_picture(shown[0])
        self._shown = shown
        self._icon.title = f"{NAME}: {shown[1]}"[:MOST_TITLE]
        self._icon.update_menu()

    def _pause_word(self) -> str:
        return "resume" if self._shown[0] == "paused" else "pause"

    def _pause_words(self, _: object) -> str:
        return "Go on now" if self._shown[0] == "paused" else "Pause for an hour"

    def _quit_words(self, _: object) -> str:
        rests = "this workstation rests" if self._shared else "calendars are not kept"
        return f"Quit ({rests} until the next start)"

    def _do(self, word: str) -> None:
        self._show(self._answer(word))

    def _quit(self) -> None:
        self._ask("stop")
        self.app_ended()
