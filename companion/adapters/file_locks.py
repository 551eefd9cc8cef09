"""FileLock: one writer at a time among all threads and processes of a home.

The lock is the operating system's (filelock), so a crash frees it. A note beside it names the
process that took it last; it is read only when the lock is taken, to name that process in the
error.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock

from companion.domain.errors import Busy
from companion.services.files import disk_trouble, make_folder
from companion.services.pools import LOCKS
from companion.services.sync.snapshot import OwnedLock


class FileLock:
    """A context manager; blocking, so for worker threads. Not reentrant."""

    def __init__(self, path: Path, *, holder: str, patience: float = 5.0) -> None:
        """`holder` names this process ("the app", "the command sync"); `patience` in
        seconds, after which `__enter__` raises Busy."""
        self._path = path
        self._note = path.with_name(f"{path.name}.holder")
        self._holder = holder
        self._patience = patience
        self._threads = threading.Lock()
        self._processes: filelock.FileLock | None = None

    def __enter__(self) -> None:
        make_folder(self._path.parent)
        until = time.monotonic() + self._patience
        if not self._threads.acquire(timeout=self._patience):
            raise self._busy(self._holder)
        try:
            lock = filelock.FileLock(self._path, thread_local=False)
            lock.acquire(timeout=max(0.0, until - time.monotonic()), poll_interval=0.02)
        except filelock.Timeout as error:
            self._threads.release()
            raise self._busy(self._last_holder()) from error
        except OSError as error:
            self._threads.release()
            raise disk_trouble(error, self._path) from error
        self._processes = lock
        # Only information: on a full disk the real write raises the error.
        with contextlib.suppress(OSError):
            self._note.write_text(f"{self._holder} (process {os.getpid()})", encoding="utf-8")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._processes is not None:
            self._processes.release()
            self._processes = None
        self._threads.release()

    def is_taken(self) -> bool:
        """Whether it is held now. Waits no longer than `patience`."""
        try:
            self.__enter__()
        except Busy:
            return True
        self.__exit__(None, None, None)
        return False

    def _last_holder(self) -> str:
        try:
            return self._note.read_text("utf-8", errors="replace").strip()[:200]
        except OSError:
            return ""

    @staticmethod
    def _busy(holder: str) -> Busy:
        who = holder or "Another Calendar Companion window or command"
        return Busy(f"{who[:1].upper()}{who[1:]} is saving something right now.")


class NamedFileLocks:
    """Named locks of a home as asynchronous context managers; the waiting is done in threads."""

    def __init__(self, folder: Path, *, holder: str, patience: float = 5.0) -> None:
        self._folder = folder
        self._holder = holder
        self._patience = patience

    @contextlib.asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[OwnedLock]:
        """Raises Busy when another process keeps it for longer than `patience`."""
        lock = FileLock(
            self._folder / f"{name}.lock",
            holder=self._holder,
            patience=self._patience if patience is None else patience,
        )
        entering = asyncio.ensure_future(LOCKS.run(lock.__enter__))
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            entering.add_done_callback(lambda done: _leave_again(done, lock))
            raise
        try:
            yield OwnedLock()
        finally:
            lock.__exit__(None, None, None)

    async def ensure(self) -> None:
        """The system keeps the lock for as long as this process lives."""

    def hold_for(self, call: asyncio.Future[Any]) -> bool:
        del call
        return False

    async def holder(self, name: str) -> str:
        del name
        return ""


def _leave_again(entered: asyncio.Future[None], lock: FileLock) -> None:
    """The waiting task was cancelled."""
    if not entered.cancelled() and entered.exception() is None:
        lock.__exit__(None, None, None)
