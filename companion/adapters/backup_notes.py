"""BackupNotesFile: what is known of the daily backups, as one small file of the home."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from companion.domain.backup_plan import BackupRecord, GoodBackup
from companion.services.files import Disk, disk_trouble, write_durably

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
            return record_of(json.loads(self._disk.read(self._path)))
        except (OSError, ValueError, KeyError, TypeError):
            return BackupRecord()

    def _change(self, edit: Callable[[BackupRecord], BackupRecord]) -> None:
        with self._lock:
            before = self._read()
            after = edit(before)
            if after == before:
                return
            content = json.dumps(asdict(after), default=datetime.isoformat).encode()
            try:
                write_durably(self._path, content, self._disk)
            except OSError as error:
                raise disk_trouble(error, self._path) from error


def record_of(document: Mapping[str, Any]) -> BackupRecord:
    """Raises ValueError, KeyError, TypeError."""
    return BackupRecord(
        good=tuple(
            GoodBackup(
                path=str(each["path"]),
                made_at=_moment(each["made_at"]),
                size=int(each["size"]),
                appointments=int(each["appointments"]),
            )
            for each in document["good"]
        ),
        making=str(document["making"]),
        failed_at=None if document["failed_at"] is None else _moment(document["failed_at"]),
        what=str(document["what"]),
        remedy=str(document["remedy"]),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment
