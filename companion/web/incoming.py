"""Files on their way in: streamed to a private folder of the home, deleted after use.

An export holds clients' names, so it goes neither to the system's temporary folder nor through
memory. A ticket (random, unguessable) names each file; files unused for an hour, and those an
earlier run left, are deleted.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

from companion.domain.errors import FileRefused, StoreError

MOST_BYTES = 50 * 1024 * 1024
KEPT_SECONDS = 3600.0
_ENDINGS = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xls", ".json", ".ics"})


class Incoming:
    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = MOST_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._most = most_bytes
        self._monotonic = monotonic
        self._files: dict[str, tuple[Path, float]] = {}

    def sweep(self) -> None:
        """At start: delete what an earlier run left behind."""
        with suppress(OSError):
            for left in self._folder.iterdir():
                left.unlink(missing_ok=True)

    async def receive(self, chunks: AsyncIterator[bytes], *, file_name: str) -> str:
        """Write the stream to the folder; its ticket. Raises FileRefused when it is too large,
        StoreError when the disk refuses."""
        self._forget_old()
        ending = Path(file_name).suffix.lower()
        name = secrets.token_hex(16) + (ending if ending in _ENDINGS else ".upload")
        path = self._folder / name
        size = 0
        try:
            file = await asyncio.to_thread(_create, path)
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._most:
                        raise FileRefused(
                            f"This file is larger than {self._most // 1024 // 1024} MB.",
                            "Export a shorter range of dates and import that.",
                        )
                    await asyncio.to_thread(os.write, file, chunk)
            finally:
                os.close(file)
        except OSError as error:
            _delete(path)
            raise StoreError(
                "The file could not be kept for reading.", detail=type(error).__name__
            ) from error
        except BaseException:  # too large, or the browser went away in the middle
            _delete(path)
            raise
        ticket = secrets.token_urlsafe(24)
        self._files[ticket] = (path, self._monotonic())
        return ticket

    def path(self, ticket: str) -> Path:
        """Raises FileRefused for a ticket that is unknown or has grown old."""
        self._forget_old()
        found = self._files.get(ticket)
        if found is None:
            raise FileRefused("The file is no longer here.", "Choose it again.")
        return found[0]

    async def read(self, ticket: str, *, most_bytes: int) -> bytes | None:
        """A small file's content; None when it is larger. Raises FileRefused as `path`."""
        path = self.path(ticket)
        if path.stat().st_size > most_bytes:
            return None
        return await asyncio.to_thread(path.read_bytes)

    def discard(self, ticket: str) -> None:
        found = self._files.pop(ticket, None)
        if found is not None:
            _delete(found[0])

    def _forget_old(self) -> None:
        now = self._monotonic()
        for ticket, (_, since) in list(self._files.items()):
            if now - since > KEPT_SECONDS:
                self.discard(ticket)


def _delete(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _create(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o600)
