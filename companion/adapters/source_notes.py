"""SourceNotesFile: what is known of the watched folders, as one small file of the home."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from companion.services.files import Disk, disk_trouble, write_durably
from companion.services.sources.notes import Notes, SourceNote, changed, notes_in, text_of

FILE_NAME = "sources.json"
LOCK_NAME = "sources.lock"


class SourceNotesFile:
    """A SourceNotes; a damaged file counts as nothing known."""

    def __init__(
        self, home: Path, *, lock: AbstractContextManager[object], disk: Disk | None = None
    ) -> None:
        """`lock` is the lock that all writers of this home share (`file_locks.FileLock`)."""
        self._path = home / FILE_NAME
        self._lock = lock
        self._disk = disk or Disk()

    async def read(self) -> Notes:
        return await asyncio.to_thread(self._read)

    async def change(self, source: str, edit: Callable[[SourceNote], SourceNote | None]) -> None:
        await asyncio.to_thread(self._change, source, edit)

    def _read(self) -> dict[str, SourceNote]:
        try:
            return notes_in(self._disk.read(self._path))
        except OSError:
            return {}

    def _change(self, source: str, edit: Callable[[SourceNote], SourceNote | None]) -> None:
        with self._lock:
            after = changed(self._read(), source, edit)
            if after is None:
                return
            try:
                write_durably(self._path, text_of(after).encode(), self._disk)
            except OSError as error:
                raise disk_trouble(error, self._path) from error
