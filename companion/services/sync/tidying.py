"""Tidying: what is done once a day, after midnight or when the computer is on again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

from companion.domain.errors import CompanionError
from companion.services.ports import Clock
from companion.services.sync.watches import local_day

log = logging.getLogger(__name__)


class Tidying:
    def __init__(self, daily: Sequence[Callable[[], Awaitable[object]]], clock: Clock) -> None:
        self._daily = tuple(daily)
        self._clock = clock
        self._done_on: date | None = None

    async def look(self, timezone: str) -> None:
        """Do it where this process has not done it today."""
        today = local_day(self._clock.now(), timezone)
        if today == self._done_on:
            return
        self._done_on = today
        for tidy in self._daily:
            try:
                await tidy()
            except CompanionError as error:  # tomorrow is soon enough
                log.warning("the daily tidying was left out: %s", type(error).__name__)
