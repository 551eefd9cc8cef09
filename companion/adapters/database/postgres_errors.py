"""Translates PostgreSQL's errors into sentences for a receptionist: one table.

The SQLSTATE decides (https://www.postgresql.org/docs/current/errcodes-appendix.html): the code
itself, else its class, the first two characters. It goes into `detail`, with the names of the
constraint and column, which are ours. Nothing else does: PostgreSQL's own messages quote what was
written, and the address holds a password. Why a connection was not made has no SQLSTATE; the words
say it, and where the server's language is another than English, what had been done by then.
"""

from __future__ import annotations

from enum import Enum

import psycopg
from sqlalchemy.exc import DBAPIError

from companion.adapters.database import encryption_errors
from companion.adapters.database.copying import MOVED_AWAY
from companion.adapters.database.errors import (
    Make,
    busy,
    conflict,
    store,
    too_big,
    unkeepable,
)
from companion.domain.errors import CompanionError, StoreDamaged
from companion.domain.practice_errors import DatabaseAway

_CARER = "Ask whoever looks after the database server"
_ADDRESS = "Then give practice create or practice join the right address."


def _away(detail: str) -> CompanionError:
    return DatabaseAway(detail=detail)


def _damaged(detail: str) -> CompanionError:
    return StoreDamaged(
        "The practice's database is damaged.",
        f"{_CARER} to check its disk, then restore a backup.",
        detail=detail,
    )


OURS = store(
    "The practice's database could not be used.",
    "Try again. If it happens again, run the doctor: python run.py doctor",
)
DISK_FULL = store(
    "The disk of the practice's database is full: nothing was changed.",
    f"{_CARER} to free some space on it, then try again.",
)
DISK_FAULT = store(
    "The practice's database could not use its disk.", f"{_CARER} to check the disk."
)
NO_MEMORY = store(
    "The computer that holds the practice's database has run out of memory.",
    f"{_CARER} to close other programs there, then try again.",
)
NO_PLACE = store(
    "The practice's database accepts no more connections.",
    f"Try again in a minute. If it happens often: {_CARER.lower()} to raise max_connections.",
)
SIGN_IN = store(
    "The practice's database does not accept this workstation's user or password.",
    f"{_CARER} for them. {_ADDRESS}",
)
NOT_THERE = store(
    "The database server answers, but has no database of that name.",
    f"{_CARER} for the name, or to create it.",
)
SIGN_IN_OR_NOT_THERE = store(
    "The practice's database does not accept this workstation's user or password, or there is no "
    "database of that name.",
    f"{_CARER} for all three. {_ADDRESS}",
)
NO_RIGHT = store(
    "This workstation's user may not do that in the practice's database.",
    f"{_CARER} to make the user the owner of the database.",
)
READ_ONLY = store(
    "The practice's database can only be read: it is a stand-by copy, or set so.",
    f"{_CARER} for the address of the server that may be written to.",
)
ANOTHER_SCHEMA = store(
    "The tables of the practice's database are not those that this version needs.",
    "Start Calendar Companion again; if it stays so, update this workstation.",
)
SETTING = store(
    "The address of the practice's database has a setting that PostgreSQL does not take.",
    "Correct what follows the question mark in it, as in ?sslmode=require.",
)
NOT_EMPTY = store(
    "The database already holds tables of another program.",
    f"{_CARER} for an empty database for Calendar Companion alone.",
)
NOT_LET_IN = store(
    "The database server does not let this user in from this computer: no line of its pg_hba.conf "
    "says so.",
    f"{_CARER} for a line with this computer's network, the user and the database.",
)
NOT_LET_IN_PLAIN = store(
    "The database server does not let this user in from this computer without encryption.",
    "Give practice create or practice join the address with ?sslmode=require at its end. If it "
    f"stays so: {_CARER.lower()} for a line for this computer in its pg_hba.conf.",
)
MOVED = store(
    "The practice has moved away from this database, so nothing more is written here.",
    "Start Calendar Companion again: it says where the practice is now. Nothing is lost.",
)

DISK_FULL_STATE = "53100"
_UNEXPLAINED = (
    "00", "01", "02", "03", "08P01", "09", "0A", "0B", "0F", "0Z", "10", "20", "21", "22", "23",
    "24", "25", "26", "27", "2B", "2D", "2F", "34", "38", "39", "3B", "42", "44", "54", "55", "F0",
    "HV", "P0", "XX",
)  # fmt: skip
"""Of them no more is said than that the database could not be used."""
BY_SQLSTATE: dict[str, Make] = {
    **dict.fromkeys(_UNEXPLAINED, OURS),
    "08": _away,
    "0A000": ANOTHER_SCHEMA,  # a statement prepared before another version changed the tables
    "0L": NO_RIGHT,
    "0P": NO_RIGHT,
    "22001": too_big,
    "22003": unkeepable,
    "22008": unkeepable,
    "22021": unkeepable,
    "22P02": unkeepable,
    "22P05": unkeepable,
    "23505": conflict,
    "25006": READ_ONLY,
    "25P03": _away,
    "25P04": _away,
    "28": SIGN_IN,
    "3D": NOT_THERE,
    "3F": ANOTHER_SCHEMA,
    "40": busy,
    "42501": NO_RIGHT,
    "42703": ANOTHER_SCHEMA,
    "42P01": ANOTHER_SCHEMA,
    "42P06": NOT_EMPTY,
    "42P07": NOT_EMPTY,
    "53": NO_MEMORY,
    DISK_FULL_STATE: DISK_FULL,
    "53300": NO_PLACE,
    "54000": too_big,
    "55006": busy,
    "55P03": busy,
    "57": _away,
    "57014": busy,
    "58": DISK_FAULT,
    "72": busy,
    "XX001": _damaged,
    "XX002": _damaged,
    MOVED_AWAY: MOVED,
}

_WORDS: tuple[tuple[str, Make], ...] = (
    ("password authentication failed", SIGN_IN),
    ("no password supplied", SIGN_IN),
    ("authentication failed", SIGN_IN),
    ("is not permitted to log in", SIGN_IN),
    ("permission denied for database", NO_RIGHT),
    ("too many clients", NO_PLACE),
    ("too many connections", NO_PLACE),
    ("remaining connection slots", NO_PLACE),
    ("the database system is", _away),  # starting up, shutting down
    *encryption_errors.WORDS,
)
"""Of the messages of a connection that was not made."""
_OF_SETTINGS = (
    "invalid connection option",
    "invalid uri query",
    "connection is bad: invalid",
    "weak sslmode",
)
"""The client library's own, before it connects; they are never translated by a server."""


class Fate(Enum):
    """What becomes of a piece of work that failed."""

    REPEAT = "repeat"
    """It met another's: at once again."""
    WAIT = "wait"
    """The server or the way to it is away: again when it is back."""
    FAIL = "fail"


_REPEATED = {"40001", "40P01", "40003"}
_WAITED_FOR = {"08", "57", "53300", "25P03", "25P04"}
_CANCELED = "57014"


def fate_of(error: Exception) -> Fate:
    origin = _origin(error)
    code = getattr(origin, "sqlstate", None)
    if code in _REPEATED:
        return Fate.REPEAT
    if code is None:
        make = _without_code(origin)
        return Fate.WAIT if make in (_away, NO_PLACE) else Fate.FAIL
    waits = code != _CANCELED and (code in _WAITED_FOR or code[:2] in _WAITED_FOR)
    return Fate.WAIT if waits else Fate.FAIL


def was_refused(error: Exception) -> bool:
    """By a server that is there, so the transaction was rolled back, also at its COMMIT."""
    return bool(getattr(_origin(error), "sqlstate", None)) and fate_of(error) is Fate.FAIL


def of_postgresql(error: Exception) -> CompanionError:
    """The domain's error for one of psycopg, or of SQLAlchemy around it."""
    origin = _origin(error)
    code = getattr(origin, "sqlstate", None)
    if code is None:
        return _without_code(origin)(type(origin).__name__)
    make = BY_SQLSTATE.get(code) or BY_SQLSTATE.get(code[:2], OURS)
    detail = [code]
    if isinstance(origin, psycopg.Error):
        told = origin.diag
        detail += [each for each in (told.constraint_name, told.column_name) if each]
    return make(" ".join(detail))


def _origin(error: Exception) -> BaseException:
    found = error.orig if isinstance(error, DBAPIError) else error
    return found if found is not None else error


def _without_code(origin: BaseException) -> Make:
    if isinstance(origin, psycopg.DataError):  # a NUL in a text, refused before it was sent
        return unkeepable
    said = str(origin).lower()
    if any(words in said for words in _OF_SETTINGS):
        return SETTING
    if not isinstance(origin, psycopg.OperationalError):
        return OURS
    tried = origin.pgconn
    if refusals := said.count("pg_hba.conf"):  # one of each way that was tried
        plain = refusals == 1 and tried is not None and not tried.ssl_in_use
        return NOT_LET_IN_PLAIN if plain else NOT_LET_IN
    for words, make in _WORDS:
        if words in said:
            return make
    if "database" in said and "does not exist" in said:
        return NOT_THERE
    if tried is not None and tried.used_password and "fatal" in said:
        return _in_another_language(said.partition("fatal")[2], tried.user, tried.db)
    return _away


def _in_another_language(said: str, user: bytes, database: bytes) -> Make:
    """Once the password was sent: a message names the user or the database that is the matter."""
    named, there = (each.decode(errors="replace").lower() in said for each in (user, database))
    if there and named:
        return SIGN_IN_OR_NOT_THERE
    return NOT_THERE if there else SIGN_IN
