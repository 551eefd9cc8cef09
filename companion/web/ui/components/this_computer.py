"""This computer: whether the app starts by itself, and has an entry in the menu."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from companion.services.sync.auditing import clock_time
from companion.services.this_computer import DesktopEntryState
from companion.web.ui.components.dialogs import question
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, notice, text

Change = Callable[[bool], Awaitable[DesktopEntryState]]


async def this_computer(site: Site) -> None:
    """The card; raises CompanionError where the system does not answer."""
    station = site.services.this_computer
    autostart, menu = await station.autostart(), await station.menu()
    with card("This computer"):
        text(
            "Calendars and phones are kept up to date while Calendar Companion runs. It needs no "
            "window: closing the browser stops nothing.",
            "card__lead",
        )
        _Switch(
            "Start by itself when I sign in to this computer",
            autostart,
            station.set_autostart,
            done=("It starts by itself from now on.", "It does not start by itself any more."),
        )
        _Switch(
            "Entry in this computer's menu",
            menu,
            station.set_menu,
            done=("It is in the menu.", "It is not in the menu any more."),
        )
        pause = _Pause(site)
        with box("actions"):
            if "sync" in site.options.commands:
                button("Sync now", partial(_sync, site, pause))
            pause.place()
            if "stop" in site.options.commands:
                button("Stop Calendar Companion …", partial(_open_stop, site), look="danger")


async def _sync(site: Site, pause: _Pause) -> None:
    await site.services.pausing.resume()  # the command's own answer holds no error
    pause.show()
    await site.options.commands["sync"]()
    notify_done("Every calendar is looked at now.")


class _Pause:
    """One button: it pauses, or ends the pause."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._words = text("", "strong").props("role=status")
        self._button: ui.button | None = None

    def place(self) -> None:
        self._button = button("", self._press)
        self.show()

    def show(self) -> None:
        until = self._site.services.pausing.until()
        self._words.set_visibility(until is not None)
        if until is not None:
            zone = self._site.services.settings.read().practice.timezone
            at = clock_time(until, zone, self._site.services.clock.now())
            self._words.text = f"The background sync is paused until {at}."
        if self._button is not None:
            self._button.text = "Pause for an hour" if until is None else "Go on now"

    async def _press(self) -> None:
        pausing = self._site.services.pausing
        if pausing.until() is None:
            await pausing.pause()
            notify_done("Paused: it goes on by itself in an hour, or when you say so.")
        else:
            await pausing.resume()
            notify_done("The background sync goes on.")
        self.show()


def _open_stop(site: Site) -> None:
    async def stop() -> None:
        notify_done("Stopped. This window can be closed.")
        await site.options.commands["stop"]()

    with question("Stop Calendar Companion?", "Stop it", stop, no="Keep it running"):
        text(
            "Until it is started again this computer's watched folders are not looked at, and "
            "phones that fetch from it find nothing. Another workstation keeps the calendars, if "
            "one is on. Nothing is lost: the next start catches up."
            if site.services.shared_practice.shared
            else "Until it is started again no calendar is kept up to date, watched folders are "
            "not looked at, and phones find nothing. Nothing is lost: the next start catches up."
        )


class _Switch:
    """Takes effect at once; shows what is, also where that failed."""

    def __init__(
        self, label: str, state: DesktopEntryState, change: Change, *, done: tuple[str, str]
    ) -> None:
        self._change = change
        self._done = done
        self._on = state.works
        self._switch = ui.switch(label, value=state.works, on_change=report_errors(self._set))
        self._fault = box()
        self._show(state)

    async def _set(self) -> None:
        on = bool(self._switch.value)
        if on is self._on:  # it follows the system
            return
        try:
            state = await self._change(on)
        except BaseException:
            self._switch.value = self._on
            raise
        self._show(state)
        if state.works is on:
            notify_done(self._done[0] if on else self._done[1])

    def _show(self, state: DesktopEntryState) -> None:
        self._on = self._switch.value = state.works
        self._fault.clear()
        self._fault.set_visibility(bool(state.what))
        if state.what:
            with self._fault, notice("warn"):
                text(state.what)
