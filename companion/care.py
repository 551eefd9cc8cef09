"""The parts that look after a home, put together: doctor, support bundle, backup and restore.

Below the composition root, which passes in what it has opened; restoring opens its own, because
the home that it replaces may not open at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import companion
from companion.adapters.backup import HomeSwap, SealedArchive, Swap
from companion.adapters.clock import SystemClock
from companion.adapters.database.opening import Database, open_database
from companion.adapters.file_locks import FileLock
from companion.adapters.google.service import GoogleGateway
from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.logs import FILE_NAME
from companion.adapters.probes import MachineProbes
from companion.adapters.secrets import LOCK_NAME, SealedSecrets
from companion.adapters.settings import SettingsFile
from companion.domain.errors import Busy
from companion.services.google.connecting import Connecting
from companion.services.maintenance.backup import BOOK, Backups, weakness_of
from companion.services.maintenance.doctor import Diagnosis, Doctor
from companion.services.maintenance.findings import CheckContext
from companion.services.maintenance.restore import Restoring, Staged
from companion.services.maintenance.support import Support, bare_bundle
from companion.services.settings.transfer import SettingTransfer

RESTORE_PATIENCE = 60.0
"""Seconds that a start waits for a restore that is just swapping files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What of an open house is looked after."""

    home: Path
    clock: SystemClock
    settings: SettingsFile
    database: Database
    secrets: SealedSecrets
    google: GoogleGateway
    connecting: Connecting
    google_api: str
    secrets_key: str
    listener: Callable[[], tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    doctor: Doctor
    support: Support
    backups: Backups
    transfer: SettingTransfer


def care_for(rooms: Rooms) -> Care:
    database, settings, clock, home = rooms.database, rooms.settings, rooms.clock, rooms.home
    probes = MachineProbes(google_api=rooms.google_api)
    return Care(
        doctor=Doctor(
            CheckContext(
                settings=settings,
                book=database.book,
                ledger=database.ledger,
                feeds=database.feeds,
                secrets=rooms.secrets,
                google=rooms.google,
                connecting=rooms.connecting,
                probes=probes,
                clock=clock,
                home=home,
                program=companion.__version__,
                integrity=database.integrity,
                set_secrets_aside=rooms.secrets.set_aside,
                recovered=lambda: settings.recovered,
                weak_key=weakness_of(rooms.secrets_key) if rooms.secrets_key.strip() else "",
                rehearsing=clock.rehearsing,
                listener=rooms.listener,
                app_runs=lambda: app_runs(home),
            )
        ),
        support=Support(
            settings=settings,
            book=database.book,
            ledger=database.ledger,
            feeds=database.feeds,
            activity=database.activity,
            secrets=rooms.secrets,
            versions=probes.versions,
            clock=clock,
            home=home,
            program=companion.__version__,
            log_name=FILE_NAME,
            passphrases=(rooms.secrets_key,),
        ),
        backups=Backups(
            settings=settings,
            book=database.book,
            feeds=database.feeds,
            secrets=rooms.secrets,
            activity=database.activity,
            copy_database=database.backup_to,
            sealing=SealedArchive(),
            clock=clock,
            home=home,
            program=companion.__version__,
        ),
        transfer=SettingTransfer(settings=settings, clock=clock),
    )


def restoring(home: Path, database: Path, *, secrets_key: str, clock: SystemClock) -> Restoring:
    """For a home that nobody has open; `database` is where its book lies or will lie."""

    @asynccontextmanager
    async def staged(folder: Path) -> AsyncIterator[Staged]:
        async with AsyncExitStack() as stack:
            opened = open_database(folder / BOOK, clock)
            stack.push_async_callback(opened.close)
            holder = "a restore"
            yield Staged(
                settings=SettingsFile(
                    folder, lock=FileLock(folder / "settings.lock", holder=holder)
                ),
                book=opened.book,
                ledger=opened.ledger,
                feeds=opened.feeds,
                activity=opened.activity,
                secrets=SealedSecrets(
                    folder,
                    vault=KeyringEntry(home),  # the key of the home that the file will belong to
                    lock=FileLock(folder / LOCK_NAME, holder=holder),
                    passphrase=secrets_key,
                ),
                integrity=opened.integrity,
            )

    return Restoring(
        home=home,
        sealing=SealedArchive(),
        staged=staged,
        swapping=HomeSwap(home, database, _swap(home)),
        app_lock=FileLock(home / "app.lock", holder="a restore", patience=0.5),
        clock=clock,
    )


def bundle_of_closed(home: Path, diagnosis: Diagnosis) -> bytes:
    """A support bundle of a home that does not open."""
    versions = MachineProbes().versions()
    return bare_bundle(diagnosis, home=home, log_name=FILE_NAME, versions=versions)


def finish_restore(home: Path) -> bool:
    """Complete a restore that a crash interrupted; costs one look where there was none."""
    return _swap(home).finish()


def app_runs(home: Path) -> bool:
    lock = FileLock(home / "app.lock", holder="the app", patience=0.0)
    try:
        lock.__enter__()
    except Busy:
        return True
    lock.__exit__(None, None, None)
    return False


def _swap(home: Path) -> Swap:
    lock = FileLock(home / "restore.lock", holder="a restore", patience=RESTORE_PATIENCE)
    return Swap(home, lock=lock)
