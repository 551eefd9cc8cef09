"""Translates errors of the database into sentences for a receptionist: one table.

SQLite's primary result codes (https://sqlite.org/rescode.html) decide; the extended code goes
into `detail`. Neither SQL nor a bound value ever does: they hold clients' names. What SQLAlchemy
or sqlite3 raise without a result code is an error of ours or a closed connection.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from companion.domain.errors import (
    BadInput,
    Busy,
    CompanionError,
    StoreDamaged,
    StoreError,
)

Make = Callable[[str], CompanionError]


def store(what: str | None = None, remedy: str | None = None) -> Make:
    return lambda detail: StoreError(what, remedy, detail=detail)


def busy(detail: str) -> CompanionError:
    return Busy(detail=detail)


def _damaged(detail: str) -> CompanionError:
    return StoreDamaged(detail=detail)


def conflict(detail: str) -> CompanionError:
    return BadInput(
        "Two entries bear the same number, and each must have its own.",
        "Correct the number in the practice software, or import it under another source name.",
        detail=detail,
    )


def too_big(detail: str) -> CompanionError:
    return BadInput("A text is far too long to be kept.", "Shorten it.", detail=detail)


def unkeepable(detail: str) -> CompanionError:
    return BadInput(
        "A text holds a character that cannot be kept, or a number is too large.",
        "Correct it where it was written and try again.",
        detail=detail,
    )


DISK_FULL = store(
    "The disk is full: nothing was changed.",
    "Free some space on the disk that holds the data folder, then try again.",
)
READ_ONLY = store(
    "The data folder cannot be written to.",
    "Let this user write to the data folder, or choose another with COMPANION_HOME.",
)
CANNOT_OPEN = store(
    "The data file could not be opened.",
    "Check that the data folder exists and that this user may read and write there.",
)
DISK_FAULT = store(
    "The disk that holds the data folder is full or faulty: the data file could not be written.",
    "Free some space on it and try again. If it has space, have the disk checked; from a network "
    "drive, move the data folder to a disk of this computer (COMPANION_HOME).",
)
NO_MEMORY = store("This computer has run out of memory.", "Close some programs and try again.")
OURS = store("The data file could not be used.")
NO_WAL = store(
    "The data folder lies on a drive that cannot keep the appointment book safe, such as a "
    "network share.",
    "Move the data folder to a disk of this computer (COMPANION_HOME).",
)
CLOSED = store("Calendar Companion is closing.", "Start it again to go on.")

BY_RESULT_CODE: dict[int, Make] = {
    sqlite3.SQLITE_ERROR: OURS,
    sqlite3.SQLITE_INTERNAL: OURS,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_ABORT: OURS,
    sqlite3.SQLITE_BUSY: busy,
    sqlite3.SQLITE_LOCKED: busy,
    sqlite3.SQLITE_NOMEM: NO_MEMORY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_INTERRUPT: CLOSED,
    sqlite3.SQLITE_IOERR: DISK_FAULT,
    sqlite3.SQLITE_CORRUPT: _damaged,
    sqlite3.SQLITE_NOTFOUND: OURS,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_CANTOPEN: CANNOT_OPEN,
    sqlite3.SQLITE_PROTOCOL: busy,
    sqlite3.SQLITE_EMPTY: OURS,
    sqlite3.SQLITE_SCHEMA: OURS,
    sqlite3.SQLITE_TOOBIG: too_big,
    sqlite3.SQLITE_CONSTRAINT: conflict,
    sqlite3.SQLITE_MISMATCH: OURS,
    sqlite3.SQLITE_MISUSE: OURS,
    sqlite3.SQLITE_NOLFS: DISK_FULL,
    sqlite3.SQLITE_AUTH: READ_ONLY,
    sqlite3.SQLITE_FORMAT: _damaged,
    sqlite3.SQLITE_RANGE: OURS,
    sqlite3.SQLITE_NOTADB: _damaged,
    sqlite3.SQLITE_NOTICE: OURS,
    sqlite3.SQLITE_WARNING: OURS,
}

BY_SYSTEM_ERROR: dict[int, Make] = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.EROFS: READ_ONLY,
    errno.EIO: DISK_FAULT,
    errno.ENOENT: CANNOT_OPEN,
    errno.EEXIST: CANNOT_OPEN,
    errno.ENOTDIR: CANNOT_OPEN,
    errno.EISDIR: CANNOT_OPEN,
}


def of_psycopg(error: object) -> bool:
    """Told by the name: most programs never import the driver."""
    return type(error).__module__.startswith("psycopg")


def translated(error: Exception) -> CompanionError:
    """The domain's error for one of sqlite3, SQLAlchemy or the file system."""
    if isinstance(error, OSError):
        make = BY_SYSTEM_ERROR.get(error.errno or 0, OURS)
        return make(f"{type(error).__name__} {error.errno}")
    if isinstance(error, PoolTimeout):
        return busy("pool")
    origin = error.orig if isinstance(error, DBAPIError) else error
    if of_psycopg(origin):
        from companion.adapters.database.postgres_errors import of_postgresql

        return of_postgresql(error)
    code = getattr(origin, "sqlite_errorcode", None)
    if code is None:
        return OURS(f"{type(error).__name__} from {type(origin).__name__}")
    return BY_RESULT_CODE.get(code & 0xFF, OURS)(getattr(origin, "sqlite_errorname", str(code)))


@contextmanager
def translating_texts() -> Iterator[None]:
    """Turn what Python says of a text or number that cannot be kept into a BadInput."""
    try:
        yield
    except (UnicodeEncodeError, OverflowError) as error:
        # from None: such an error carries the whole text
        raise unkeepable(type(error).__name__) from None


@contextmanager
def translating() -> Iterator[None]:
    """Turn what the block raises into the domain's errors."""
    try:
        with translating_texts():
            yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise translated(error) from error
    except Exception as error:
        if not of_psycopg(error):
            raise
        raise translated(error) from None  # its words quote what was written
