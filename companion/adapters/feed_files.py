"""FeedFiles: the last good answer of each feed, on disk, for when the book cannot be read.

A feed is health information, so a file opens only with the link's own token: AES-256-GCM under
HKDF-SHA-256(token), its name as associated data. The token is nowhere on this machine's disk in
clear; the server's tables hold its hash alone. A file that is torn, old or of another link counts
as none: it is a copy of what the book can make again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from companion.adapters.crypto import seal, unseal
from companion.services.files import Disk, make_folder, write_file

_MARK = b"CCFEED1\n"
_NONCE = 12


class FeedFiles:
    """A KeptFeeds on a folder of this user's."""

    def __init__(
        self,
        folder: Path,
        *,
        disk: Disk | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._folder = folder
        self._disk = disk or Disk()
        self._random_bytes = random_bytes
        self._lock = asyncio.Lock()

    async def keep(self, name: str, token: str, content: bytes) -> None:
        async with self._lock:
            await asyncio.to_thread(self._keep, name, token, content)

    async def last(self, name: str, token: str) -> bytes | None:
        return await asyncio.to_thread(self._last, name, token)

    async def drop(self, name: str) -> None:
        async with self._lock:
            await asyncio.to_thread(self._drop, name)

    def _keep(self, name: str, token: str, content: bytes) -> None:
        make_folder(self._folder)
        nonce = self._random_bytes(_NONCE)
        sealed = seal(_key(token), nonce, content, name.encode())
        write_file(self._path(name), _MARK + nonce + sealed, self._disk)

    def _last(self, name: str, token: str) -> bytes | None:
        try:
            kept = self._disk.read(self._path(name))
        except OSError:
            return None
        if not kept.startswith(_MARK):
            return None
        nonce, sealed = kept[len(_MARK) :][:_NONCE], kept[len(_MARK) + _NONCE :]
        try:
            return unseal(_key(token), nonce, sealed, name.encode())
        except ValueError:
            return None

    def _drop(self, name: str) -> None:
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.feed"


def _key(token: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"calendar-companion last feed")
    return derived.derive(token.encode())
