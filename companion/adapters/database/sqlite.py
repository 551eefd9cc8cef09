"""Everything that only SQLite needs; the other modules would run on PostgreSQL as they are.

Durability: WAL with synchronous=FULL, so a commit that returned survives a power cut. Writing:
`BEGIN IMMEDIATE` on the one writing connection, so two writers queue (for `BUSY_SECONDS`, then
Busy) instead of failing half-way; readers are query-only and see one snapshot a transaction.
Python's own transaction handling is switched off (isolation_level None) and BEGIN is sent by
SQLAlchemy's event, which behaves the same on every Python version.

`peek_revision` looks at a file before anything opens it for writing: a file of a newer program
must not even change its journal mode, and opening a WAL file read-only would create two more.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from companion.adapters.database.errors import NO_WAL
from companion.adapters.database.spelling import NAME as UNACCENTED
from companion.domain.client_names import skeleton
from companion.domain.errors import StoreDamaged

BUSY_SECONDS = 5.0
"""How long one writer waits for another process."""
_WAL_TRIES = 50  # the change to WAL does not wait for locks by itself
_PAUSE = 0.1
_LOG_KEPT = 16 << 20
"""Bytes the log keeps on disk after a large import."""
_SMALLEST = 512
"""Bytes of the smallest page, and so of the smallest database."""


def writing_engine(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """One connection, for one thread. Creates the file if need be."""
    return _engine(path, 1, "BEGIN IMMEDIATE", busy_seconds, ())


def reading_engine(path: Path, connections: int, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    return _engine(path, connections, "BEGIN", busy_seconds, ("PRAGMA query_only=ON",))


def _engine(
    path: Path, connections: int, begin: str, busy_seconds: float, more: tuple[str, ...]
) -> Engine:
    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(
            path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in (
                "PRAGMA synchronous=FULL",
                "PRAGMA foreign_keys=ON",
                "PRAGMA temp_store=MEMORY",
                f"PRAGMA journal_size_limit={_LOG_KEPT}",
                *more,
            ):
                raw.execute(pragma)
            raw.create_function(UNACCENTED, 1, skeleton, deterministic=True)
        except BaseException:
            raw.close()
            raise
        return raw

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def switch_to_wal(raw: sqlite3.Connection, pause: Callable[[float], None] = time.sleep) -> None:
    """Ask for WAL, for up to five seconds while another process opens the same new file.

    Raises StoreError where the file system cannot share memory between processes.
    """
    for tries_left in reversed(range(_WAL_TRIES)):
        try:
            (mode,) = raw.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not tries_left:
                raise
            pause(_PAUSE)
    else:
        raise AssertionError("the last try raises")
    if mode != "wal":
        raise NO_WAL(f"journal_mode={mode}")


def peek_revision(path: Path) -> str | None:
    """The revision of the file at `path`, None for a new one; leaves every byte as it is.

    Raises StoreDamaged for a file that is no book of ours.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    size = path.stat().st_size if path.exists() else 0
    if not size:
        return None
    if size < _SMALLEST:  # SQLite would take it for an empty one and write over it
        raise _not_a_book()
    # immutable=1 takes no lock and makes no file; it is only right while no log lies beside.
    log = path.with_name(path.name + "-wal")
    mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"{_uri(path)}?{mode}", uri=True, timeout=BUSY_SECONDS)) as raw:
        return revision_of(raw)


def make_private(path: Path) -> None:
    """An empty file, for SQLite to fill, that only this user may read; its log inherits that."""
    path.touch(mode=0o600, exist_ok=True)


def _uri(path: Path) -> str:
    """A file URI as SQLite reads it: a drive follows a third slash, a network share a fourth."""
    place = path.resolve().as_posix()
    return "file://" + quote(place if place.startswith("/") else "/" + place, safe="/:")


def revision_of(raw: sqlite3.Connection) -> str | None:
    """None while there are no tables. Raises StoreDamaged for tables that are not ours."""
    schema = raw.execute("SELECT name, type, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema")
    tables = set()
    for name, kind, virtual in schema:
        if virtual or kind not in {"table", "index"}:  # a view, a trigger: it would act by itself
            raise _not_a_book()
        tables.add(name)
    if not tables:
        return None
    rows = (
        raw.execute("SELECT version_num FROM alembic_version").fetchall()
        if "alembic_version" in tables
        else []
    )
    if len(rows) != 1:
        raise _not_a_book()
    return str(rows[0][0])


def _not_a_book() -> StoreDamaged:
    return StoreDamaged(
        "The data file is not a Calendar Companion book.",
        "Choose another file in COMPANION_DATABASE_URL, or restore a backup.",
    )


def raw_of(connection: Connection) -> sqlite3.Connection:
    raw: object = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("not a connection of SQLite")
    return raw


def integrity(raw: sqlite3.Connection) -> str:
    """``ok``, or the first problem found; reads the whole file."""
    (finding,) = raw.execute("PRAGMA integrity_check(1)").fetchone()
    if finding == "ok" and raw.execute("PRAGMA foreign_key_check").fetchone():
        return "a row refers to one that does not exist"
    return str(finding)


def data_version(raw: sqlite3.Connection) -> int:
    """Differs from before when another connection has committed."""
    (version,) = raw.execute("PRAGMA data_version").fetchone()
    return int(version)


def copy_to(path: Path, copy: Path) -> None:
    """A compact copy as of one moment."""
    with (
        draft_of(copy) as draft,
        closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as raw,
    ):
        raw.execute("VACUUM INTO ?", (os.fspath(draft),))


@contextmanager
def draft_of(copy: Path) -> Iterator[Path]:
    """A private file to be filled; it is complete on disk before it takes the name `copy`."""
    draft = copy.with_name(copy.name + ".part")
    draft.unlink(missing_ok=True)
    make_private(draft)
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)


def count_in_copy(copy: Path, table: str) -> int:
    """Rows of `table` in a copy that nobody writes to; StoreDamaged where it is not whole."""
    query = f'SELECT count(*) FROM "{table}"'  # noqa: S608 - a name of the schema
    uri = f"{_uri(copy)}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as raw:
        if revision_of(raw) is None or integrity(raw) != "ok":
            raise StoreDamaged("The book in this backup is damaged.", "Make another one.")
        (count,) = raw.execute(query).fetchone()
    return int(count)
