"""The storage of one home: a database file and small files beside it."""

from __future__ import annotations

from contextlib import AsyncExitStack

from companion.adapters.database.database import Database
from companion.adapters.database.opening import open_database
from companion.adapters.database.practice_row import practice_in
from companion.adapters.file_locks import FileLock, NamedFileLocks
from companion.adapters.home_text import (
    BACKUPS_FILE,
    BACKUPS_LOCK,
    SOURCES_FILE,
    SOURCES_LOCK,
    HomeText,
)
from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.notice_book import NoticeFile
from companion.adapters.pace_file import PaceFile
from companion.adapters.practice_note import moving_note, practice_note
from companion.adapters.secrets import LOCK_NAME as SECRETS_LOCK
from companion.adapters.secrets import SealedSecrets
from companion.adapters.settings import LOCK_NAME as SETTINGS_LOCK
from companion.adapters.settings import SettingsFile
from companion.domain.errors import Busy, StoreError
from companion.environment import Environment
from companion.services.changes import Changes
from companion.services.maintenance.backup_records import KeptBackupNotes
from companion.services.ports import Clock
from companion.services.sources.notes import KeptSourceNotes
from companion.storage import Storage
from companion.updating import keep_before_migration, stamp


async def open_home(
    environment: Environment,
    stack: AsyncExitStack,
    *,
    holder: str,
    clock: Clock,
    changes: Changes,
    mover: bool = False,
) -> Storage:
    """Closed with `stack`. `mover`: the process that is about to move it. Raises CompanionError."""
    home = environment.home

    def lock(name: str) -> FileLock:
        return FileLock(home / name, holder=holder)

    keep_before_migration(environment)
    settings = SettingsFile(home, lock=lock(SETTINGS_LOCK), changes=changes)
    settings.read()
    stores = open_database(environment.book, clock, changes=changes)
    stack.push_async_callback(stores.close)
    await _refuse_moved(stores, environment, mover=mover)
    stamp(environment)
    return Storage(
        settings=settings,
        stores=stores,
        secrets=sealed_secrets(environment, holder=holder),
        source_notes=KeptSourceNotes(HomeText(home / SOURCES_FILE, lock=lock(SOURCES_LOCK))),
        backup_notes=KeptBackupNotes(HomeText(home / BACKUPS_FILE, lock=lock(BACKUPS_LOCK))),
        notices=NoticeFile(home),
        sync_locks=NamedFileLocks(home / "turns", holder=holder),
        shared_pace=PaceFile(home),
        recovered=lambda: settings.recovered,
    )


async def _refuse_moved(stores: Database, environment: Environment, *, mover: bool) -> None:
    """What a practice has taken over is not in charge any more, nor is any copy of it; nor what
    another process began to move after this one had looked. Raises StoreError, Busy."""
    row = await stores.access.read(practice_in)
    if row is not None and row.moved_to:
        raise StoreError(
            f"The data in this folder were moved: they are kept in {row.moved_to} now.",
            "This copy is not used any more, so that no calendar is kept by two. To work with the "
            "practice here: python run.py practice join",
        )
    if not mover and (moving_note(environment.home) or practice_note(environment.home)):
        raise Busy(
            "The data of this computer have just been moved into a practice.", "Start again."
        )


def sealed_secrets(environment: Environment, *, holder: str) -> SealedSecrets:
    """What this computer alone keeps sealed; of a home, all of it."""
    home = environment.home
    return SealedSecrets(
        home,
        vault=KeyringEntry(home),
        lock=FileLock(home / SECRETS_LOCK, holder=holder),
        passphrase=environment.secrets_key,
    )
