"""BackupNotesFile: what is known of the daily backups, as one small file of the home."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from companion.domain.backup_plan import BackupRecord
from companion.services.files import Disk, disk_trouble, write_durably
from companion.services.maintenance.backup_records import record_in, text_of

FILE_NAME = "backups.json"
LOCK_NAME = "backups.lock"


class BackupNotesFile:
    """A BackupNotes. A damaged file counts as nothing known: then nothing is deleted."""

    def __init__(
        self, home: Path, *, lock: AbstractContextManager[object], disk: Disk | None = None
    ) -> None:
        """`lock` is the lock that all writers of this home share (`file_locks.FileLock`)."""
        self._path = home / FILE_NAME
        self._lock = lock
        self._disk = disk or Disk()

    async def read(self) -> BackupRecord:
        return await asyncio.to_thread(self._read)

    async def change(self, edit: Callable[[BackupRecord], BackupRecord]) -> None:
        await asyncio.to_thread(self._change, edit)

    def _read(self) -> BackupRecord:
        try:
            return record_in(self._disk.read(self._path))
        except OSError:
            return BackupRecord()

    def _change(self, edit: Callable[[BackupRecord], BackupRecord]) -> None:
        with self._lock:
            before = self._read()
            after = edit(before)
            if after == before:
                return
            try:
                write_durably(self._path, text_of(after).encode(), self._disk)
            except OSError as error:
                raise disk_trouble(error, self._path) from error
