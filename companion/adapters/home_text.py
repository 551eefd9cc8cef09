"""HomeText: a KeptText as one small file of the home."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from companion.services.files import Disk, write_file

SOURCES_FILE, SOURCES_LOCK = "sources.json", "sources.lock"
BACKUPS_FILE, BACKUPS_LOCK = "backups.json", "backups.lock"


class HomeText:
    def __init__(
        self, path: Path, *, lock: AbstractContextManager[object], disk: Disk | None = None
    ) -> None:
        """`lock` is the lock that all writers of this home share (`file_locks.FileLock`)."""
        self._path = path
        self._lock = lock
        self._disk = disk or Disk()

    async def read(self) -> bytes:
        return await asyncio.to_thread(self._read)

    async def change(self, edit: Callable[[str | bytes], str | None]) -> None:
        await asyncio.to_thread(self._change, edit)

    def _read(self) -> bytes:
        try:
            return self._disk.read(self._path)
        except OSError:
            return b""

    def _change(self, edit: Callable[[str | bytes], str | None]) -> None:
        with self._lock:
            after = edit(self._read())
            if after is not None:
                write_file(self._path, after.encode(), self._disk)
