"""PostgresAccess: the practice's database on a server, shared with other workstations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

from sqlalchemy import URL, Connection, select, text

from companion.adapters.database import postgres
from companion.adapters.database.access import Beside, Result, Work
from companion.adapters.database.errors import translating
from companion.adapters.database.schema import metadata
from companion.adapters.database.threads import ThreadQueue
from companion.services.changes import Change, Changes

READERS = 3
WRITERS = 2
Announce = Callable[[Connection, Change], None]
"""Tells the other workstations, in the transaction that makes the change."""

_SIGN = text(
    "SELECT (SELECT coalesce(sum(revision), 0) FROM practitioner_revisions),"
    " (SELECT coalesce(sum(version), 0) FROM documents),"
    " (SELECT max(id) FROM imports), (SELECT count(undone_at) FROM imports),"
    " (SELECT max(id) FROM activity), (SELECT max(saved_at) FROM sync_state)"
)


class PostgresAccess:
    def __init__(self, url: URL, changes: Changes, *, announce: Announce | None = None) -> None:
        """Connects when it is first used."""
        self._changes = changes
        self._announce = announce
        self._engine = postgres.engine_of(url, READERS + WRITERS + 1)
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # Whoever changes the book may wait for another workstation; the rest need not.
        self._books_queue = ThreadQueue("database-book", 1)
        self._writers_queue = ThreadQueue("database-writer", WRITERS)
        self._readers_queue = ThreadQueue("database-reader", READERS)

    def prepare(self, is_current: Callable[[str | None], bool], upgrade: Work[None]) -> None:
        """`upgrade`, in one transaction, unless the revision is current. Blocks."""
        with translating():
            with self._engine.begin() as connection:
                if is_current(postgres.revision_of(connection)):
                    return
            with self._engine.begin() as connection:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({postgres.MIGRATING})"))
                if not is_current(postgres.revision_of(connection)):
                    upgrade(connection)

    async def write(
        self, work: Work[Result], notice: Callable[[Result], Change] | None = None
    ) -> Result:
        return await self._write(self._writers_queue, lambda: work, notice)

    async def write_after(
        self,
        prepare: Callable[[], Work[Result]],
        notice: Callable[[Result], Change] | None = None,
    ) -> Result:
        return await self._write(self._books_queue, prepare, notice)

    async def _write(
        self,
        queue: ThreadQueue,
        prepare: Callable[[], Work[Result]],
        notice: Callable[[Result], Change] | None,
    ) -> Result:
        committed: list[Change] = []

        def job() -> Result:
            work = prepare()
            with translating():
                with self._engine.begin() as connection:
                    done = work(connection)
                    change = None if notice is None else notice(done)
                    if change is not None and self._announce is not None:
                        self._announce(connection, change)
                if change is not None:
                    committed.append(change)
            return done

        try:
            return await queue.run(job)
        finally:
            for change in committed:
                self._changes.publish(change)

    async def read(self, work: Work[Result]) -> Result:
        def job() -> Result:
            with translating(), self._reading.begin() as connection:
                return work(connection)

        return await self._readers_queue.run(job)

    async def change_sign(self, beside: Callable[[], Beside]) -> tuple[int, Beside]:
        def job() -> tuple[int, Beside]:
            with translating(), self._reading.begin() as connection:
                found = connection.execute(_SIGN).one()
            return crc32(repr(tuple(map(str, found))).encode()), beside()

        return await self._readers_queue.run(job)

    async def backup_to(self, copy: Path) -> None:
        raise NotImplementedError(copy)

    async def integrity(self) -> str:
        """Reads every row of every table."""

        def read(connection: Connection) -> str:
            for table in metadata.sorted_tables:
                for _ in connection.execute(select(table).execution_options(yield_per=1000)):
                    pass
            return "ok"

        return await self.read(read)

    def close(self) -> None:
        self._books_queue.close()
        self._writers_queue.close()
        self._readers_queue.close()
        self._engine.dispose()
