"""ThisComputer: whether the app starts by itself when its user signs in to this computer, and
whether it has an entry in the menu. How that is kept differs between systems: `companion.desktop`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal, Protocol

from companion.domain.errors import CompanionError
from companion.services.access.policy import Action
from companion.services.access.rules import allows

log = logging.getLogger(__name__)
Fault = Literal["", "moved", "damaged", "other copy", "switched off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopEntryState:
    """Of an entry that the system keeps for us."""

    there: bool
    place: str
    """Where the system keeps it, in its own words."""
    fault: Fault = ""
    """It names files that have gone; names no command; names files of another copy of the program;
    or the person switched it off in the system's own list."""
    what: str = ""
    """The fault as a sentence, with what to do."""

    @property
    def works(self) -> bool:
        return self.there and not self.fault


class Entry(Protocol):
    """Blocking; each raises CompanionError with what the system said."""

    def state(self) -> DesktopEntryState: ...

    def add(self) -> None:
        """Also where it is there already: then as it should be now."""
        ...

    def remove(self) -> None: ...


class Desktop(Protocol):
    @property
    def autostart(self) -> Entry: ...

    @property
    def menu(self) -> Entry: ...


class ThisComputer:
    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop

    @allows(Action.PRACTICE)
    async def autostart(self) -> DesktopEntryState:
        return await asyncio.to_thread(self._desktop.autostart.state)

    @allows(Action.PRACTICE)
    async def set_autostart(self, on: bool) -> DesktopEntryState:
        """Raises CompanionError."""
        return await _set(self._desktop.autostart, on)

    @allows(Action.PRACTICE)
    async def menu(self) -> DesktopEntryState:
        return await asyncio.to_thread(self._desktop.menu.state)

    @allows(Action.PRACTICE)
    async def set_menu(self, on: bool) -> DesktopEntryState:
        """Raises CompanionError."""
        return await _set(self._desktop.menu, on)

    async def renew(self) -> None:
        """The program was moved, and starts from its new folder: its entries follow it."""
        for entry in (self._desktop.autostart, self._desktop.menu):
            try:
                if (await asyncio.to_thread(entry.state)).fault == "moved":
                    await asyncio.to_thread(entry.add)
                    log.info("an entry of the desktop follows the program to its new folder")
            except CompanionError as error:
                log.warning("an entry of the desktop is out of date: %s", type(error).__name__)


async def _set(entry: Entry, on: bool) -> DesktopEntryState:
    await asyncio.to_thread(entry.add if on else entry.remove)
    return await asyncio.to_thread(entry.state)
