"""A practice's database: here SQLite's, which needs no server; `test_databases` asks real ones."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import ClassVar

from companion.adapters.sources.database.source import DatabaseSource
from companion.domain.errors import SourceTrouble
from companion.services.sources.remote import FetchAnswer, FetchRequest
from tests.contract.remote.harness import Booked, RemoteHarness, Setting, Switched

QUERY = """SELECT id AS "Appointment Id", starts AS "Start", minutes AS "Length",
    status AS "Status", practitioner AS "Practitioner", client AS "Client"
FROM appointments WHERE updated >= :since"""
ENDLESS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
COLUMNS = "id, starts, minutes, status, practitioner, client, updated"


class _Counted(Switched):
    """Tells of each fetch."""

    fetches = 0
    come = threading.Event()

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        self.fetches += 1
        self.come.set()
        return super().fetch(request)


class DatabaseHarness(RemoteHarness):
    kind: ClassVar[str] = "database"
    quiet_requests: ClassVar[int] = 1
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {
            SourceTrouble.NOT_THERE,
            SourceTrouble.UNREADABLE,
            SourceTrouble.EMPTY,
            SourceTrouble.LARGE,
            SourceTrouble.SLOW,
        }
    )

    def __init__(self, setting: Setting) -> None:
        self._now = setting.now
        self._file = setting.folder / "practice.db"
        self._set_aside = setting.folder / "practice.kept"
        self._few, self._soon = DatabaseSource(row_limit=5), DatabaseSource(seconds=0.2)
        self.source = self._counted = _Counted(DatabaseSource(), self._few)
        self._counted.come = threading.Event()
        self.secret = f"sqlite:///{self._file}"
        self.wrong_secret = ""
        self.fields = {"query": QUERY}
        self._do(f"CREATE TABLE booked ({COLUMNS}, PRIMARY KEY (id))")
        self.trouble(None)

    def put(self, booked: Sequence[Booked]) -> None:
        """A row that is as it was keeps its moment."""
        updated = f"{self._now():%Y-%m-%d %H:%M:%S}"
        with closing(sqlite3.connect(self._file)) as database, database:
            known = {row[0]: row[:6] for row in database.execute("SELECT * FROM booked")}
            for each in booked:
                row = _row(each)
                if known.pop(each.key, None) != row:
                    database.execute(
                        "INSERT OR REPLACE INTO booked VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (*row, updated),
                    )
            database.executemany("DELETE FROM booked WHERE id = ?", [(key,) for key in known])

    @property
    def requests(self) -> int:
        return self._counted.fetches

    def trouble(self, which: SourceTrouble | None) -> None:
        self._counted.in_a_hurry = which in {SourceTrouble.SLOW, SourceTrouble.LARGE}
        self._counted.impatient = self._soon if which is SourceTrouble.SLOW else self._few
        if self._set_aside.exists():
            self._file.unlink(missing_ok=True)
            self._set_aside.rename(self._file)
        source = "booked"
        if which in {SourceTrouble.NOT_THERE, SourceTrouble.UNREADABLE}:
            self._file.rename(self._set_aside)
            if which is SourceTrouble.UNREADABLE:
                self._file.write_bytes(b"no database" * 1_000)
            return
        if which is SourceTrouble.EMPTY:
            source = "booked WHERE id IS NULL"
        elif which is SourceTrouble.SLOW:
            source = f"booked WHERE minutes < ({ENDLESS})"
        self._do(
            "DROP VIEW IF EXISTS appointments",
            f"CREATE VIEW appointments AS SELECT {COLUMNS} FROM {source}",  # noqa: S608 - our own
        )

    def hang(self) -> threading.Event:
        self.trouble(SourceTrouble.SLOW)
        self._counted.in_a_hurry = False
        self._counted.come.clear()
        return self._counted.come

    def close(self) -> None:
        return

    def _do(self, *statements: str) -> None:
        with closing(sqlite3.connect(self._file)) as database, database:
            for each in statements:
                database.execute(each)


def _row(each: Booked) -> tuple[object, ...]:
    starts = f"2026-12-{each.day:02} {each.hour:02}:00:00"
    status = "Cancelled" if each.cancelled else "Booked"
    return each.key, starts, each.minutes, status, each.practitioner, each.client
