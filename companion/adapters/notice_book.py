"""NoticeFile: what was told to whom, as one small file of the home."""

from __future__ import annotations

import asyncio
from pathlib import Path

from companion.services.files import Disk, write_file
from companion.services.notices.keeping import book_in, text_of
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
        content = text_of(book).encode()
        await asyncio.to_thread(write_file, self._path, content, self._disk)

    def _read(self) -> NoticeBook | None:
        try:
            return book_in(self._disk.read(self._path))
        except OSError:
            return None
