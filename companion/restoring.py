"""Restoring: the real parts with which a backup takes the place of a home.

Separate from `main`, because the home that is replaced may not open at all: no process may have it
open, and every store that a restore opens is in a folder of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from companion.adapters.backup import HomeSwap, SealedArchive, Swap
from companion.adapters.clock import SystemClock
from companion.adapters.database.opening import open_database
from companion.adapters.file_locks import FileLock
from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.practice_note import has_joined
from companion.adapters.secrets import LOCK_NAME, SealedSecrets
from companion.adapters.settings import SettingsFile
from companion.environment import Environment
from companion.services.maintenance.backup import BOOK
from companion.services.maintenance.restore import Restoring, Staged

RESTORE_PATIENCE = 60.0
"""Seconds that a start waits for a restore that is just swapping files."""
HOLDER = "a restore"


def restoring_of(environment: Environment) -> Restoring:
    """Puts a backup in place of a home that no process has open. Raises CompanionError."""
    home = environment.home
    finish_restore(home)
    clock = SystemClock(environment.now)

    @asynccontextmanager
    async def staged(folder: Path) -> AsyncIterator[Staged]:
        async with AsyncExitStack() as stack:
            opened = open_database(folder / BOOK, clock)
            stack.push_async_callback(opened.close)
            settings_lock = FileLock(folder / "settings.lock", holder=HOLDER)
            yield Staged(
                settings=SettingsFile(folder, lock=settings_lock),
                book=opened.book,
                ledger=opened.ledger,
                feeds=opened.feeds,
                activity=opened.activity,
                secrets=SealedSecrets(
                    folder,
                    vault=KeyringEntry(home),  # the key of the home that the file will belong to
                    lock=FileLock(folder / LOCK_NAME, holder=HOLDER),
                    passphrase=environment.secrets_key,
                ),
                integrity=opened.integrity,
                check_whole=opened.check_whole,
            )

    return Restoring(
        home=home,
        sealing=SealedArchive(),
        staged=staged,
        swapping=HomeSwap(home, environment.book, _swap(home)),
        app_lock=FileLock(home / "app.lock", holder=HOLDER, patience=0.5),
        clock=clock,
        shared=lambda: has_joined(home),
    )


def finish_restore(home: Path) -> bool:
    """Complete a restore that a crash interrupted; costs one file check where there was none."""
    return _swap(home).finish()


def _swap(home: Path) -> Swap:
    lock = FileLock(home / "restore.lock", holder=HOLDER, patience=RESTORE_PATIENCE)
    return Swap(home, lock=lock)
