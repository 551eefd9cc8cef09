"""SqliteAccess: one open database file, one transaction for each piece of work.

Each piece of work is a function of a Connection; it runs in a thread, inside one transaction, and
its errors are translated. Writes are serialised on one long-lived connection, which also reads
`data_version`, so that our own writes do not count as another process's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from companion.adapters.database import sqlite
from companion.adapters.database.access import Notice, Question, Result, Rows, Work
from companion.adapters.database.errors import translating
from companion.adapters.database.threads import ThreadQueue
from companion.services.changes import Changes

READERS = 3


class SqliteAccess:
    disk_full = False

    def __init__(
        self, path: Path, changes: Changes, *, busy_seconds: float = sqlite.BUSY_SECONDS
    ) -> None:
        """Open or create; blocks. `prepare` must have run before the first transaction."""
        self.path = path
        self._changes = changes
        self._writing = sqlite.writing_engine(path, busy_seconds=busy_seconds)
        self._reading = sqlite.reading_engine(path, READERS, busy_seconds=busy_seconds)
        with translating():
            self._writer = self._writing.connect()
        self._writers_queue = ThreadQueue("database-writer", 1)
        self._readers_queue = ThreadQueue("database-reader", READERS)

    def prepare(self, is_current: Callable[[str | None], bool], upgrade: Work[None]) -> None:
        """Ask for WAL; then `upgrade`, in one transaction, unless the revision is current."""
        raw = sqlite.raw_of(self._writer)
        with translating():
            sqlite.switch_to_wal(raw)
            current = is_current(sqlite.revision_of(raw))
        if not current:
            self._write_now(upgrade)

    def _write_now(self, work: Work[Result]) -> Result:
        with translating(), self._writer.begin():
            return work(self._writer)

    async def write(self, work: Work[Result], notice: Notice[Result] | None = None) -> Result:
        return await self.write_after(lambda: work, notice)

    async def write_after(
        self,
        prepare: Callable[[], Work[Result]],
        notice: Notice[Result] | None = None,
    ) -> Result:
        committed: list[Result] = []

        def job() -> Result:
            committed.append(self._write_now(prepare()))
            return committed[0]

        try:
            return await self._writers_queue.run(job)
        finally:
            change = notice(committed[0]) if committed and notice is not None else None
            if change is not None:
                self._changes.publish(change)

    async def read(self, work: Work[Result]) -> Result:
        def job() -> Result:
            with translating(), self._reading.begin() as connection:
                return work(connection)

        return await self._readers_queue.run(job)

    async def ask(
        self,
        question: Question,
        answer: Callable[[Rows], Result],
        values: Mapping[str, Any] | None = None,
    ) -> Result:
        return await self.read(lambda connection: answer(connection.execute(question, values)))

    async def change_sign(self, beside: Callable[[], Result]) -> tuple[int, Result]:
        def job() -> tuple[int, Result]:
            with translating():
                return sqlite.data_version(sqlite.raw_of(self._writer)), beside()

        return await self._writers_queue.run(job)

    async def backup_to(self, copy: Path) -> None:
        def job() -> None:
            with translating():
                sqlite.copy_to(self.path, copy)

        await self._readers_queue.run(job)

    async def integrity(self) -> str:
        return await self.read(lambda connection: sqlite.integrity(sqlite.raw_of(connection)))

    def close(self) -> None:
        self._writers_queue.close()
        self._readers_queue.close()
        self._reading.dispose()
        self._writer.close()  # last: SQLite tidies its log away with the last connection
        self._writing.dispose()
