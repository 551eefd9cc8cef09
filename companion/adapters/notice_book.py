"""NoticeFile: what was told to whom, as one small file of the home."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from companion.services.files import Disk, disk_trouble, write_durably
from companion.services.notices.keeping import from_json, to_json
from companion.services.notices.telling import NoticeBook

FILE_NAME = "notices.json"


class NoticeFile:
    """A NoticeStore."""

    def __init__(self, home: Path, *, disk: Disk | None = None) -> None:
        self._path = home / FILE_NAME
        self._disk = disk or Disk()

    async def read(self) -> NoticeBook | None:
        return await asyncio.to_thread(self._read)

    async def save(self, book: NoticeBook) -> None:
        await asyncio.to_thread(self._save, book)

    def _read(self) -> NoticeBook | None:
        try:
            document = json.loads(self._disk.read(self._path))
        except (OSError, ValueError):
            return None
        return from_json(document) if isinstance(document, dict) else None

    def _save(self, book: NoticeBook) -> None:
        content = json.dumps(to_json(book), ensure_ascii=False).encode()
        try:
            write_durably(self._path, content, self._disk)
        except OSError as error:
            raise disk_trouble(error, self._path) from error
