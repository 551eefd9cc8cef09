"""DatabaseSettings: the SettingsStore on TinyDB, over documents that several workstations share.

Each table of the TinyDB is one document (`settings/practitioners`), so that a change writes only
the tables that it changed. It is decided on the versions of all of them and written only where all
are still the same (`documents`), so that it counts as one step, as it does in a home's file.

`read` answers from memory. What other workstations wrote comes into it by `renew`, which the hub
calls as soon as it hears of a write; before each change the versions are asked for anyway. What
was read before the memory was renewed and is older than it, by the sum of the versions, is dropped;
only a restored backup makes it older.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection
from tinydb.storages import Storage

from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.documents import (
    Document,
    VersionConflict,
    documents_under,
    pause,
    versions_under,
    write_under,
)
from companion.adapters.setting_tables import fill, settings_in
from companion.domain.errors import CompanionError, StoreError
from companion.domain.settings import Settings
from companion.services.changes import Change, Changes, SettingsChanged
from companion.services.settings.documents import VERSION
from companion.services.settings.gathering import (
    Answer,
    Edit,
    EditQueue,
    WaitingEdit,
    edited,
    hand_out,
    refuse,
)

PREFIX = "settings/"
PLACE = "The practice's database"

Tables = Mapping[str, dict[str, Any]]
Announce = Callable[[Connection, Change], object]


class DocumentStorage(Storage):
    """TinyDB's view of the documents; `write` gathers what is to be written."""

    def __init__(self, found: Tables) -> None:
        self._found = found
        self.tables: dict[str, dict[str, Any]] = dict(found)

    def read(self) -> dict[str, dict[str, Any]] | None:
        return self.tables or None

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        self.tables = data

    def changed(self) -> dict[str, str]:
        """By name of the document, the bodies that differ from what was found."""
        return {
            PREFIX + table: json.dumps(rows, allow_nan=False)
            for table, rows in self.tables.items()
            if rows != self._found.get(table)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    versions: Mapping[str, int]
    """By name, of all documents as of one moment; none while there are none."""
    tables: Tables
    settings: Settings
    trouble: CompanionError | None = None
    """Why what lies there cannot be used; the settings are then those before it."""

    @property
    def age(self) -> int:
        """Rises with each change."""
        return sum(self.versions.values())


class DatabaseSettings:
    """Implements `SettingsStore`. `open` makes one."""

    def __init__(
        self,
        access: DatabaseAccess,
        *,
        changes: Changes | None = None,
        announce: Announce | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """As `open`, yet without any settings."""
        self._access = access
        self._changes = changes or Changes()
        self._announce = announce or (lambda _connection, _change: None)
        self._chance = chance or random.Random()  # noqa: S311 - only pauses
        self._queue = EditQueue()
        self._lock = asyncio.Lock()
        self._working: set[asyncio.Task[None]] = set()
        self._remembering = threading.Lock()
        self._known = _Known(versions={}, tables={}, settings=Settings(install_id=""))

    @classmethod
    async def open(
        cls,
        access: DatabaseAccess,
        *,
        changes: Changes | None = None,
        announce: Announce | None = None,
        chance: random.Random | None = None,
    ) -> Self:
        """`changes` gets every change that was written; `announce` tells other workstations, in
        the transaction that writes it. Where there are no settings yet, those of a new practice,
        with a new install id. Raises StoreError, StoreTooNew, Busy."""
        store = cls(access, changes=changes, announce=announce, chance=chance)
        await store.change(lambda each: each)
        store.read()
        return store

    def read(self) -> Settings:
        """From memory, at once. Raises StoreError, StoreTooNew where another workstation wrote
        what this program cannot use."""
        known = self._known
        if known.trouble is not None:
            raise known.trouble.with_traceback(None)
        return known.settings

    def renew(self, read: Callable[[], Mapping[str, Document]]) -> None:
        """`read` gives what lies in the database, by name: all of it, as of one moment. Of any
        thread; raises what `read` raises."""
        before = self._known
        self._remember(self._read_as(read()), before)

    async def change(self, edit: Edit) -> Settings:
        """As in the port. `edit` runs in a worker thread and must be a plain function of its
        argument: it may run twice. Raises StoreError, StoreTooNew, Busy, and BadInput for a value
        that cannot be kept."""
        mine, first = self._queue.add(edit)
        if first:  # whoever waits behind it goes along; also when this task is cancelled
            work = asyncio.create_task(self._change_waiting())
            self._working.add(work)
            work.add_done_callback(self._working.discard)
        return (await asyncio.wrap_future(mine.answer))[1]

    async def _change_waiting(self) -> None:
        """Answers whoever waits."""
        taken: list[WaitingEdit] = []
        try:
            async with self._lock:
                taken = self._queue.take()
                await self._answer(taken)
        except BaseException as error:  # the program ends
            refuse(taken or self._queue.take(), error)
            raise

    async def _answer(self, waiting: Sequence[WaitingEdit]) -> None:
        try:
            answers = await self._change([each.edit for each in waiting])
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            if len(waiting) == 1:
                refuse(waiting, error)
                return
            for each in waiting:
                await self._answer([each])
            return
        hand_out(waiting, answers)

    async def _change(self, edits: Sequence[Edit]) -> list[Answer]:
        """Before and after each, written in one piece; all or none."""
        tries = 0
        while True:
            await pause(tries, self._chance)
            before = self._known
            known = await self._access.read(self._fresh)
            self._remember(known, before)
            decided = await asyncio.to_thread(_decided, known, edits)
            bodies = decided.storage.changed()
            if not bodies:
                return decided.answers
            try:
                versions = await self._access.write(partial(self._write, known.versions, bodies))
            except VersionConflict:
                tries += 1
                continue
            tables, last = decided.storage.tables, decided.last
            self._remember(_Known(versions=versions, tables=tables, settings=last), known)
            self._changes.publish(SettingsChanged())
            return decided.answers

    def _write(
        self, seen: Mapping[str, int], bodies: Mapping[str, str], connection: Connection
    ) -> dict[str, int]:
        versions = write_under(connection, PREFIX, seen, bodies)
        self._announce(connection, SettingsChanged())
        return versions

    def _fresh(self, connection: Connection) -> _Known:
        """As it lies there now. Raises StoreError, StoreTooNew."""
        known = self._known
        if versions_under(connection, PREFIX) != known.versions:
            known = self._read_as(documents_under(connection, PREFIX))
        if known.trouble is not None:
            raise known.trouble.with_traceback(None)
        return known

    def _read_as(self, found: Mapping[str, Document]) -> _Known:
        versions = {name: each.version for name, each in found.items()}
        tables: Tables = {}
        settings, trouble = self._known.settings, None
        try:
            tables = {name.removeprefix(PREFIX): _rows(each.body) for name, each in found.items()}
            if tables:
                settings = settings_in(DocumentStorage(tables), place=PLACE)
        except CompanionError as error:
            trouble = error
        return _Known(versions=versions, tables=tables, settings=settings, trouble=trouble)

    def _remember(self, known: _Known, before: _Known) -> None:
        """`before`: what was remembered when it began to be read or written."""
        with self._remembering:
            if known.age > self._known.age or self._known is before:
                self._known = known


class _Decided(NamedTuple):
    answers: list[Answer]
    last: Settings
    storage: DocumentStorage


def _decided(known: _Known, edits: Sequence[Edit]) -> _Decided:
    """In a thread. Raises what an edit raises, and BadInput for a value that cannot be kept."""
    first = known.settings if known.versions else Settings(install_id=secrets.token_hex(8))
    answers = edited(first, edits)
    last = answers[-1][1] if answers else first
    storage = DocumentStorage(known.tables)
    if last != first or not known.versions or _is_older(known.tables):
        fill(storage, last, proven=first if known.versions else None)
    return _Decided(answers, last, storage)


def _is_older(tables: Tables) -> bool:
    """In the form of an earlier version: the first change, if only that of `open`, renews it."""
    return any(row.get("version") != VERSION for row in tables.get("home", {}).values())


def _rows(body: str) -> dict[str, Any]:
    try:
        rows = json.loads(body)
    except ValueError:
        rows = None
    if not isinstance(rows, dict):
        raise StoreError(
            f"{PLACE} has settings that cannot be read.",
            "Restore a backup. Nothing was changed.",
            detail="a table",
        )
    return rows
