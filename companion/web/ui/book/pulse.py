"""BookPulse: one number that rises when the Appointment Book may look different.

What is committed here raises it at once; what other processes wrote shows in the book's change
sign, looked at twice a second while a page is open, and then in the practitioners' revisions. So
two windows, and a command, agree within a second.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from companion.domain.errors import CompanionError
from companion.domain.practice_errors import DatabaseAway
from companion.services.changes import BookChanged
from companion.web.ui.upload_board import UploadBoard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from companion.services.assembly import Application
    from companion.services.changes import Change
    from companion.services.ports import ChangeSign
    from companion.services.status import Board
    from companion.services.sync.progress import Progress

_log = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
UPLOAD_SECONDS = 1.0


class BookPulse:
    def __init__(self, services: Application, live: UploadBoard) -> None:
        self._services = services
        self._live = live
        self._sign: ChangeSign | None = None
        """As it was before `_revisions` was read."""
        self._revisions: Mapping[str, int] = {}
        self._settings: object = None
        self._sync: object = None
        self._read_at = float("-inf")
        self._told_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self.version = 0
        services.syncing.subscribe(self._on_progress)
        services.changes.subscribe(self._on_change)

    def look(self) -> int:
        """The present version; begins to look for what others changed."""
        settings = self._services.settings.read()
        sync = _sync_of(self._live.latest())
        if settings is not self._settings or sync != self._sync:
            self._settings, self._sync = settings, sync
            self.version += 1
        now = self._services.clock.monotonic()
        if now - self._read_at >= LOOK_SECONDS and (self._reading is None or self._reading.done()):
            self._read_at = now
            self._reading = asyncio.create_task(self._read())
        return self.version

    async def _read(self) -> None:
        try:
            sign = await self._services.book.change_sign()
            if sign == self._sign:
                return
            revisions = await self._services.book.revisions()
        except DatabaseAway:  # said once, where it is noticed
            return
        except CompanionError as error:  # a busy disk: the next reading may succeed
            _log.warning("The revisions could not be read: %s", type(error).__name__)
            return
        self._sign = sign
        if revisions != self._revisions:
            self._revisions = revisions
            self.version += 1

    def _on_change(self, change: Change) -> None:
        if isinstance(change, BookChanged):
            self.version += 1

    def _on_progress(self, progress: Progress) -> None:
        now = self._services.clock.monotonic()
        if not progress.phase.running or now - self._told_at >= UPLOAD_SECONDS:
            self._told_at = now
            self.version += 1


def _sync_of(board: Board | None) -> object:
    """What a pass of another process changes on the board."""
    if board is None:
        return None
    return tuple((each.in_google, each.waiting, each.held) for each in board.practitioners)
