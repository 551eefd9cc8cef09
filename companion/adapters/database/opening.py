"""open_database(): from a URL to a database of exactly this program's tables.

1. Look at the file without touching it. A revision we do not know: StoreTooNew, no byte changed.
2. Open it, ask for WAL. The revision is ours: done; Alembic is not even imported.
3. Otherwise migrate inside one BEGIN IMMEDIATE transaction, looking again first: of two programs
   starting at once, the second finds it done. Killed half-way, nothing has happened.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from companion.adapters.database import sqlite
from companion.adapters.database.database import Database
from companion.adapters.database.errors import translating
from companion.adapters.database.schema import HEAD
from companion.adapters.database.sqlite_access import SqliteAccess
from companion.domain.errors import BadInput, StoreTooNew
from companion.services.changes import Changes
from companion.services.ports import Clock


def open_database(
    place: str | Path,
    clock: Clock,
    *,
    changes: Changes | None = None,
    busy_seconds: float = sqlite.BUSY_SECONDS,
) -> Database:
    """Open or create; blocks for some milliseconds, or for a migration.

    `place`: an SQLAlchemy URL, or the file itself. `changes` gets every commit.
    `busy_seconds`: how long a write waits for another process before Busy. Raises StoreTooNew,
    StoreDamaged, StoreError, Busy; BadInput for a URL of another kind.
    """
    path = place if isinstance(place, Path) else path_of(place)
    with translating():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_current(sqlite.peek_revision(path))
        sqlite.make_private(path)
    access = SqliteAccess(path, changes or Changes(), busy_seconds=busy_seconds)
    try:
        access.prepare(is_current, _upgrade)
    except BaseException:
        access.close()
        raise
    return Database(access, clock)


def path_of(url: str) -> Path:
    """The file of ``sqlite:///relative`` or ``sqlite:////absolute``; raises BadInput."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if (
        parsed is None
        or parsed.get_backend_name() != "sqlite"
        or parsed.database in {None, "", ":memory:"}
        or parsed.query
    ):
        raise BadInput(
            "COMPANION_DATABASE_URL is not the address of an SQLite file.",
            "Write it like sqlite:////folder/book.db, or leave it out.",
            field="COMPANION_DATABASE_URL",
        )
    return Path(str(parsed.database))


def is_current(revision: str | None) -> bool:
    """Raises StoreTooNew for a revision that this program does not know."""
    if revision == HEAD:
        return True
    if revision is not None:
        from companion.adapters.database.upgrading import known_revisions

        if revision not in known_revisions():
            raise StoreTooNew(detail=f"revision {revision}")
    return False


def _upgrade(connection: Connection) -> None:
    if not is_current(sqlite.revision_of(sqlite.raw_of(connection))):
        from companion.adapters.database.upgrading import upgrade

        upgrade(connection)
