"""Database: the stores that share one DatabaseAccess."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import Connection, select

from companion.adapters.database import sqlite
from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.activity import SqlActivity
from companion.adapters.database.appointments import COLUMNS, appointment_of
from companion.adapters.database.book import SqlBook
from companion.adapters.database.errors import translating
from companion.adapters.database.feeds import SqlFeeds
from companion.adapters.database.fencing import Fencing
from companion.adapters.database.ledger import SqlLedger
from companion.adapters.database.schema import appointments
from companion.domain.appointments import check_whole
from companion.services.pools import BACKUPS
from companion.services.ports import Clock


class Database:
    """Book, ledger, feeds and activity together; every method may be called from any task."""

    def __init__(
        self, access: DatabaseAccess, clock: Clock, fencing: Fencing | None = None
    ) -> None:
        self._access = access
        self.book = SqlBook(access, fencing)
        self.ledger = SqlLedger(access, clock, fencing)
        self.feeds = SqlFeeds(access)
        self.activity = SqlActivity(access)

    @property
    def access(self) -> DatabaseAccess:
        """For other stores in the same database."""
        return self._access

    async def integrity(self) -> str:
        """``ok``, or the first problem found. Reads everything; raises StoreDamaged where
        not even that is possible."""
        return await self._access.integrity()

    async def check_whole(self) -> None:
        """Read every appointment. Raises BadInput, or whatever the first one that is none brings
        about."""

        def read(connection: Connection) -> None:
            query = select(*COLUMNS).execution_options(yield_per=1000)
            for row in connection.execute(query):
                check_whole(appointment_of(row))

        await self._access.read(read)

    async def backup_to(self, path: Path) -> None:
        """A copy as of now, an SQLite file that is written completely or not at all; others may
        write meanwhile."""
        await self._access.backup_to(path)

    async def check_copy(self, path: Path) -> int:
        """The appointments in a copy, every page of which is read. Raises StoreDamaged."""

        def count() -> int:
            with translating():
                return sqlite.count_in_copy(path, appointments.name)

        return await BACKUPS.run(count)

    async def close(self) -> None:
        """Finish what was begun, then let go of the database; later calls raise StoreError."""
        await asyncio.to_thread(self._access.close)
