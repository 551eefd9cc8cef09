"""SettingsFile: the SettingsStore on TinyDB, behind a storage that survives a crash.

TinyDB's own JSONStorage overwrites in place and loses the file to a kill at the wrong moment, so
`CheckedStorage` takes its part: all tables of a change are gathered and written once, durably
(`companion.services.files`), with a SHA-256 over the content. The generation before is kept as
``settings.json.bak``. A damaged or missing file is answered from that copy, with a sentence in
`recovered`; when both are damaged, nothing is overwritten and StoreDamaged says so.

Reading is cached by the file's signature (inode, size, times), so another process's change shows
at the next `read()`. A change looks at the file itself, under the lock that all processes of a home
share. Changes that wait for the lock in one process are written together, which for a practice of
two hundred costs as much as one; where one of them fails, each is done alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from tinydb.storages import Storage

from companion.adapters.setting_tables import fill, settings_in
from companion.domain.errors import StoreDamaged
from companion.domain.settings import Settings
from companion.services.changes import Changes, SettingsChanged
from companion.services.files import Disk, Signature, disk_errors, make_folder, write_durably
from companion.services.settings.gathering import (
    Answer,
    Edit,
    EditQueue,
    WaitingEdit,
    edited,
    hand_out,
    refuse,
)

FILE_NAME = "settings.json"
LOCK_NAME = "settings.lock"

RawTables = dict[str, dict[str, Any]]

log = logging.getLogger(__name__)


class CheckedStorage(Storage):
    """TinyDB's view of one file; `write` gathers, `commit` puts it on the disk in one piece."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.backup = path.with_name(f"{path.name}.bak")
        self.aside = path.with_name(f"{path.name}.damaged")
        self.disk = disk
        self.recovered = False
        """The main file could not be used; `read` gave the generation before it."""
        self._main: bytes | None = None
        self._tables: RawTables | None = None
        self._loaded = False

    def read(self) -> RawTables | None:
        """None while there is nothing yet. Raises OSError, StoreDamaged."""
        if not self._loaded:
            self._tables = self._load()
            self._loaded = True
        return self._tables

    def write(self, data: RawTables) -> None:
        self._tables = data
        self._loaded = True

    def commit(self) -> None:
        """Raises OSError; the file is then as it was."""
        if self.recovered and self._main is not None:
            write_durably(self.aside, self._main, self.disk)
        elif self._main is not None:
            write_durably(self.backup, self._main, self.disk)
        self._main = pack(self._tables or {})
        write_durably(self.path, self._main, self.disk)
        self.recovered = False

    def _load(self) -> RawTables | None:
        self._main = self._bytes_of(self.path)
        if self._main is not None and (tables := unpack(self._main)) is not None:
            return tables
        copy = self._bytes_of(self.backup)
        if copy is not None and (tables := unpack(copy)) is not None:
            self.recovered = True
            return tables
        if self._main is None and copy is None:
            return None
        raise StoreDamaged(
            "The settings file is damaged, and so is its last good copy.",
            "Restore a backup of the data folder. Nothing was overwritten.",
            detail=self.path.name,
        )

    def _bytes_of(self, path: Path) -> bytes | None:
        with suppress(FileNotFoundError):
            return self.disk.read(path)
        return None


def pack(tables: RawTables) -> bytes:
    document = {"checksum": _checksum(tables), "tables": tables}
    # Half a character from a foreign file is kept: no reason to lose a setting.
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    return text.encode("utf-8", "surrogatepass")


def unpack(content: bytes) -> RawTables | None:
    """None for anything that is not whole."""
    try:
        document = json.loads(content)
        tables = document["tables"]
        whole = document["checksum"] == _checksum(tables) and isinstance(tables, dict)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return tables if whole else None


def _checksum(tables: RawTables) -> str:
    plain = json.dumps(tables, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


class SettingsFile:
    """Implements `SettingsStore`; safe to call from several threads."""

    def __init__(
        self,
        folder: Path,
        *,
        lock: AbstractContextManager[object],
        changes: Changes | None = None,
        disk: Disk | None = None,
    ) -> None:
        """`lock` is the lock that all writers of this home share (`file_locks.FileLock`);
        `changes` gets every change that was written."""
        self.path = folder / FILE_NAME
        self.recovered = ""
        """A sentence, when this process had to fall back on the last good copy."""
        self._lock = lock
        self._changes = changes or Changes()
        self._disk = disk or Disk()
        self._cached: tuple[Signature | None, Settings] | None = None
        self._reading = threading.Lock()
        self._queue = EditQueue()

    def read(self) -> Settings:
        """As of now; at the very first use it makes the file with a new install id.

        Raises StoreError, StoreTooNew, StoreDamaged, Busy."""
        with self._reading, disk_errors(self.path):
            cached = self._cached
            if cached is not None and cached[0] == self._disk.signature(self.path):
                return cached[1]
            settings = self._load()
        if settings is not None:
            return settings
        with self._lock:
            return self._change([lambda each: each])[0][1]

    async def change(self, edit: Edit) -> Settings:
        """As in the port. `edit` runs in a worker thread and must be a plain function of its
        argument: it may run twice. Raises what `read` raises, and BadInput for a value that cannot
        be kept."""
        mine, first = self._queue.add(edit)
        if first:  # whoever waits behind it goes along; also when this task is cancelled
            await asyncio.shield(asyncio.to_thread(self._change_waiting))
        before, after = await asyncio.wrap_future(mine.answer)
        if after != before:
            self._changes.publish(SettingsChanged())
        return after

    def _load(self) -> Settings | None:
        signature = self._disk.signature(self.path)
        storage = CheckedStorage(self.path, self._disk)
        if storage.read() is None:
            return None
        settings = self._settings_in(storage)
        self._cached = (signature, settings)
        return settings

    def _change_waiting(self) -> None:
        """Answers whoever waits; raises nothing."""
        taken: list[WaitingEdit] = []
        try:
            with self._lock:
                taken = self._queue.take()
                self._answer(taken)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            refuse(taken or self._queue.take(), error)

    def _answer(self, waiting: Sequence[WaitingEdit]) -> None:
        try:
            answers = self._change([each.edit for each in waiting])
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            if len(waiting) == 1:
                refuse(waiting, error)
                return
            for each in waiting:
                self._answer([each])
            return
        hand_out(waiting, answers)

    def _change(self, edits: Sequence[Edit]) -> list[Answer]:
        """Before and after each, written in one piece; all or none. The lock is held."""
        make_folder(self.path.parent)
        storage = CheckedStorage(self.path, self._disk)
        with disk_errors(self.path):
            signature = self._disk.signature(self.path)
            fresh = storage.read() is None
            if fresh:
                first = Settings(install_id=secrets.token_hex(8))
            else:
                first = self._known(signature, storage) or self._settings_in(storage)
            answers = edited(first, edits)
            last = answers[-1][1] if answers else first
            if last != first or fresh:
                fill(storage, last, proven=None if fresh else first)
                self._commit(storage, last)
        return answers

    def _known(self, signature: Signature | None, storage: CheckedStorage) -> Settings | None:
        """What is cached, where it is what the storage has read."""
        with self._reading:
            cached = self._cached
        usable = cached is not None and cached[0] == signature and not storage.recovered
        return cached[1] if cached is not None and usable else None

    def _commit(self, storage: CheckedStorage, settings: Settings) -> None:
        with self._reading:
            # Forgotten first: after an error the next read looks at the disk again.
            self._cached = None
            storage.commit()
            self._cached = (self._disk.signature(self.path), settings)

    def _settings_in(self, storage: CheckedStorage) -> Settings:
        storage.read()
        if storage.recovered and not self.recovered:
            self.recovered = (
                "The settings file was damaged, so the last good copy is used: "
                "the very last change to the settings may be missing."
            )
            log.warning("the settings file was damaged: its last good copy is used")
        return settings_in(storage, place="The settings file")
