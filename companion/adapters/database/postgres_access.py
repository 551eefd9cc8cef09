"""PostgresAccess: the practice's database on a server, shared with other workstations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlalchemy import (
    URL,
    Connection,
    Text,
    cast,
    func,
    literal_column,
    select,
)

from companion.adapters.database import postgres
from companion.adapters.database.access import Beside, Notice, Question, Result, Rows, Work
from companion.adapters.database.announcing import facts_of
from companion.adapters.database.copy_of_practice import write_copy
from companion.adapters.database.errors import translating
from companion.adapters.database.hub import Hub
from companion.adapters.database.outages import PATIENCE, Outage
from companion.adapters.database.postgres_transactions import TransactionRunner
from companion.adapters.database.schema import metadata
from companion.adapters.database.threads import ThreadQueue
from companion.services.changes import Change, Changes

READERS = 3
WRITERS = 2


class PostgresAccess:
    def __init__(
        self,
        url: URL,
        changes: Changes,
        *,
        hub: Hub | None = None,
        patience: float = PATIENCE,
        book_seconds: float = postgres.BOOK_SECONDS,
    ) -> None:
        """Connects when it is first used. `hub`: tells the other workstations, and of them; without
        it a question to the database does. `patience`: how long a server may be away that restarts;
        `book_seconds`: how long others may change the book before Busy."""
        self._changes = changes
        self._hub = hub
        self._book_seconds = book_seconds
        self._engine = postgres.engine_of(url, READERS + WRITERS + 2)
        self._units = TransactionRunner(self._engine, Outage(patience))
        self._wanted: set[threading.Event] = set()
        # Whoever changes the book may wait for another workstation; the rest need not.
        self._books_queue = ThreadQueue("database-book", 1)
        self._writers_queue = ThreadQueue("database-writer", WRITERS)
        self._readers_queue = ThreadQueue("database-reader", READERS)

    @property
    def disk_full(self) -> bool:
        """A write was refused within the last hour because the server's disk was full."""
        return self._units.disk_full

    def prepare(self) -> None:
        """Bring the tables to this program's, unless they are. Blocks."""

        def look(connection: Connection) -> bool:
            current = postgres.is_current(postgres.revision_of(connection))
            if current:
                postgres.check_rights(connection, list(metadata.tables))
            return current

        def upgrade(connection: Connection) -> None:
            if not postgres.is_current(postgres.revision_of(connection)):
                from companion.adapters.database.upgrading import upgrade

                upgrade(connection)

        if not self._units.read(look, threading.Event()):
            self._units.migrate(upgrade)
        with translating():
            postgres.check_direct(self._engine)

    async def write(self, work: Work[Result], notice: Notice[Result] | None = None) -> Result:
        return await self._write(
            self._writers_queue, lambda: work, notice, float(postgres.LOCK_SECONDS)
        )

    async def write_after(
        self,
        prepare: Callable[[], Work[Result]],
        notice: Notice[Result] | None = None,
    ) -> Result:
        return await self._write(self._books_queue, prepare, notice, self._book_seconds)

    async def _write(
        self,
        queue: ThreadQueue,
        prepare: Callable[[], Work[Result]],
        notice: Notice[Result] | None,
        lock_seconds: float,
    ) -> Result:
        committed: list[Change] = []

        def job(unwanted: threading.Event) -> Result:
            prepared = prepare()

            def work(connection: Connection) -> tuple[Result, Change | None]:
                result = prepared(connection)
                change = None if notice is None else notice(result)
                if change is not None and self._hub is not None:
                    self._hub.announce(connection, change)
                return result, change

            result, change = self._units.write(work, unwanted, lock_seconds)
            if change is not None:
                committed.append(change)
            return result

        try:
            return await self._run(queue, job)
        finally:
            for change in committed:
                self._changes.publish(change)

    async def read(self, work: Work[Result]) -> Result:
        return await self._run(
            self._readers_queue, lambda unwanted: self._units.read(work, unwanted)
        )

    async def ask(
        self,
        question: Question,
        answer: Callable[[Rows], Result],
        values: Mapping[str, Any] | None = None,
    ) -> Result:
        def work(connection: Connection) -> Result:
            return answer(connection.execute(question, values))

        return await self._run(
            self._readers_queue, lambda unwanted: self._units.ask(work, unwanted)
        )

    async def _run(self, queue: ThreadQueue, job: Callable[[threading.Event], Result]) -> Result:
        """A job that nobody waits for any more is let finish, but waits for nothing itself."""
        unwanted = threading.Event()
        self._wanted.add(unwanted)
        try:
            return await queue.run(lambda: job(unwanted), unwanted.set)
        finally:
            self._wanted.discard(unwanted)

    async def change_sign(self, beside: Callable[[], Beside]) -> tuple[int, Beside]:
        if self._hub is not None and self._hub.reachable:
            return self._hub.others, beside()
        facts = await self.read(facts_of)
        return crc32(repr(sorted(facts.items())).encode()), beside()

    async def backup_to(self, copy: Path) -> None:
        await self.read(lambda connection: write_copy(connection, copy))

    async def integrity(self) -> str:
        """The server reads every row of every table, whole; none of it comes here, where it would
        hold up the pages."""

        def read(connection: Connection) -> str:
            for table in metadata.sorted_tables:
                whole = cast(literal_column("whole_row"), Text)
                rows = table.alias("whole_row")
                connection.execute(select(func.sum(func.length(whole))).select_from(rows))
            return "ok"

        return await self.read(read)

    def close(self) -> None:
        for each in tuple(self._wanted):
            each.set()
        for queue in (self._books_queue, self._writers_queue, self._readers_queue):
            queue.close()
        self._engine.dispose()
