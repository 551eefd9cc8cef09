"""Pausing: a person lets the background sync rest for a while, and it goes on by itself.

The pause is a moment in the settings, so it holds over a restart and every process knows it. The
worker begins nothing meanwhile and stops what it had begun; what a person asks for is done, and
phones are answered.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.ports import Clock, SettingsStore

USUAL = timedelta(hours=1)


class Pausing:
    def __init__(self, settings: SettingsStore, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @allows(Action.SEE_STATUS, somewhere=True)
    def until(self) -> datetime | None:
        """None while the sync works."""
        return self._settings.read().pause(self._clock.now())

    @allows(Action.PAUSE)
    async def pause(self, length: timedelta = USUAL) -> datetime:
        """From now on; a pause that is there ends then. Raises StoreError, Busy."""
        until = self._clock.now() + length
        await self._settings.change(lambda settings: replace(settings, paused_until=until))
        return until

    @allows(Action.PAUSE)
    async def resume(self) -> None:
        """Raises StoreError, Busy."""
        await self._settings.change(lambda settings: replace(settings, paused_until=None))
