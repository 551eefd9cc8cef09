"""What an error of a database driver means for a person.

Drivers write what they like into their errors: addresses, users, values of rows. Of their words
only those about the query itself are repeated (a column that does not exist, a place of the
syntax), which its author needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from companion.domain.errors import BadInput, CompanionError, SourceTrouble, SourceUnreachable

_LONGEST = 300
"""Characters of a driver's own words."""
_CREDENTIALS = frozenset({"28000", "28P01", "1045", "1698", "18456", "18452", "18470", "335544472"})
_NOT_THERE = frozenset({"3D000", "1049", "4060", "1044", "335544344"})
_NO_DATABASE = frozenset({"SQLITE_NOTADB", "SQLITE_CORRUPT"})
_WRITES = frozenset({"25006", "1792", "335544361", "SQLITE_READONLY"})
_FORBIDDEN = frozenset({"42501", "1142", "1143", "1227", "1370", "229", "230", "335544352"})
_SLOW = frozenset({"57014", "1969", "3024", "1317", "20003", "HYT00", "HYT01", "335544794"})
_LOCKED = frozenset(
    {"55P03", "1205", "1222", "40001", "40P01", "SQLITE_BUSY", "SQLITE_LOCKED", "335544345"}
)
_SYNTAX = frozenset({
    "0A000", "3F000", "42601", "42702", "42703", "42803", "42804", "42883", "42P01", "42P02",
    "1051", "1052", "1054", "1055", "1064", "1146", "1305", "1327",
    "102", "105", "156", "170", "195", "207", "208", "209", "4104", "8120", "8155",
    "335544569", "335544321", "335544580", "SQLITE_ERROR",
})  # fmt: skip
"""The query itself is wrong; what the database says of it speaks of its words alone."""
_IN_WORDS = (
    (
        _CREDENTIALS,
        re.compile(r"authentication failed|no password supplied|login failed", re.IGNORECASE),
    ),
    (_NOT_THERE, re.compile(r'database ".*" does not exist|cannot open database', re.IGNORECASE)),
    (
        _WRITES,
        re.compile(
            r"readonly database|read-only (transaction|database)|data-modifying", re.IGNORECASE
        ),
    ),
    (
        _SYNTAX,
        re.compile(r"no such (table|column|function)|syntax error|ambiguous column", re.IGNORECASE),
    ),
    (_LOCKED, re.compile(r"database (table )?is locked", re.IGNORECASE)),
    (_NOT_THERE, re.compile(r"unable to open database file", re.IGNORECASE)),
    (_SLOW, re.compile(r"interrupted|timed out|timeout expired", re.IGNORECASE)),
)
"""Where a driver gives no code."""
_UNREACHABLE = frozenset({
    "2002", "2003", "2005", "2006", "2013", "08001", "08S01", "335544721",
    "20002", "20004", "20006", "20009", "20017", "20047",
})  # fmt: skip
"""There was no answer, or no more."""
_ODBC_STATE = re.compile(r"[0-9A-Z]{5}")
_DB_LIB = re.compile(r"DB-Lib error message (\d+)")
_ODBC_CODE = re.compile(r"\((\d{3,5})\)")


_TROUBLES = (
    (
        _CREDENTIALS,
        "{place} does not accept the user and password.",
        "Give its address again: check user, password and the name of the database.",
        SourceTrouble.CREDENTIALS,
    ),
    (
        _NOT_THERE,
        "{place} has no such database for this user.",
        "Check the name of the database in the address, and what the user may see.",
        SourceTrouble.NOT_THERE,
    ),
    (
        _NO_DATABASE,
        "The file of {place} is no such database, or damaged.",
        "Check the address: it names the file.",
        SourceTrouble.UNREADABLE,
    ),
    (
        _FORBIDDEN,
        "{place} does not let this user read what the query asks for.",
        "Give the user the right to read (SELECT) those tables or views.",
        SourceTrouble.CREDENTIALS,
    ),
    (
        _LOCKED,
        "Another program keeps the tables at {place} locked.",
        "It is tried again by itself.",
        SourceTrouble.BROKEN,
    ),
)


def explained(error: BaseException, place: str) -> CompanionError:
    """`place`: "PostgreSQL at db.example", the only address that is said."""
    origin = getattr(error, "orig", None) or error
    code = _kind(origin)
    detail = f"{type(origin).__name__} {code}".strip()
    if code in _WRITES:
        return BadInput(
            "The query would change the database, so it was refused; nothing was changed.",
            "Give a query that only reads: SELECT … FROM … without FOR UPDATE.",
            field="query",
            detail=detail,
        )
    if code in _SYNTAX:
        return BadInput(
            f"{place} does not understand the query: {_words(origin)}",
            "Correct the query; try it in the database's own program first.",
            field="query",
            detail=detail,
        )
    return _trouble(code, place, detail, unclear=isinstance(origin, SQLAlchemyError))


def too_slow(place: str, detail: str = "") -> SourceUnreachable:
    return SourceUnreachable(
        f"The query took longer at {place} than it may, so it was ended.",
        "Let it ask for fewer days, or have an index made for it.",
        reason=SourceTrouble.SLOW,
        detail=detail,
    )


def _trouble(code: str, place: str, detail: str, *, unclear: bool) -> SourceUnreachable:
    if code in _SLOW:
        return too_slow(place, detail)
    for codes, what, remedy, reason in _TROUBLES:
        if code in codes:
            return SourceUnreachable(what.format(place=place), remedy, reason=reason, detail=detail)
    if not code and not unclear:
        return SourceUnreachable(
            f"{place} cannot be reached.",
            "Check that the server runs and this computer's network reaches it; it is tried again "
            "by itself.",
            detail=detail,
        )
    return SourceUnreachable(
        f"{place} answered with an error{f' ({code})' if code else ''}.",
        "Try the query in the database's own program; it is tried again by itself.",
        reason=SourceTrouble.BROKEN,
        detail=detail,
    )


def _kind(error: BaseException) -> str:
    """The database's own code, or one that stands for the same; empty where it never answered."""
    if isinstance(error, OSError):  # of a driver that speaks to the server by itself
        return ""
    codes = list(_codes(error))
    known = next((each for each in codes if each in _KNOWN), "")
    if known:
        return known
    words = str(error)
    meant = next((group for group, pattern in _IN_WORDS if pattern.search(words)), None)
    meant = meant or _of_postgresql_in_another_language(error, words)
    if meant is not None:
        return min(meant)
    return next((each for each in codes if each not in _UNREACHABLE), "")


def _of_postgresql_in_another_language(error: BaseException, words: str) -> frozenset[str] | None:
    """Once the password was sent: such a message names the user, or only the database."""
    tried = getattr(error, "pgconn", None)
    said = words.partition("FATAL")[2]
    if tried is None or not said or not tried.used_password:
        return None
    named, there = (each.decode(errors="replace") in said for each in (tried.user, tried.db))
    return _NOT_THERE if there and not named else _CREDENTIALS


_KNOWN = _CREDENTIALS | _NOT_THERE | _NO_DATABASE | _WRITES | _FORBIDDEN | _SLOW | _LOCKED | _SYNTAX


def _codes(error: BaseException) -> Iterator[str]:
    for name in ("sqlstate", "sqlite_errorname"):
        found = getattr(error, name, None)
        if found:
            yield str(found)
    yield from map(str, getattr(error, "gds_codes", None) or ())
    parts = [*error.args]
    odbc = bool(parts) and isinstance(parts[0], str) and bool(_ODBC_STATE.fullmatch(parts[0]))
    for part in parts:
        if isinstance(part, tuple):
            yield _of_pymssql(part)
        elif isinstance(part, int):
            yield str(part)
        elif odbc and isinstance(part, str):
            yield from _ODBC_CODE.findall(part)
    if odbc:
        yield str(parts[0])


def _of_pymssql(part: tuple[object, ...]) -> str:
    """Of a number and the server's words, after which the driver's own come. Where the driver
    speaks first, and not of what the server said (20018), the number is of an earlier error. At
    sign-in it may be so even then: one refusal is as good as another."""
    words = part[1] if len(part) > 1 else b""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    own = _DB_LIB.match(text)
    return own[1] if own and own[1] != "20018" else str(part[0])


def _words(error: BaseException) -> str:
    """The first line of what the database says of the query."""
    diagnosis = getattr(error, "diag", None)
    said = getattr(diagnosis, "message_primary", None)
    if not said:
        texts: list[object] = [each for each in error.args if isinstance(each, str | bytes)]
        nested = [each for each in error.args if isinstance(each, tuple)]
        texts += [each for part in nested for each in part if isinstance(each, str | bytes)]
        last = texts[-1] if texts else ""
        said = last.decode("utf-8", "replace") if isinstance(last, bytes) else str(last)
    line = " ".join(str(said).split("DB-Lib error", maxsplit=1)[0].split())
    return line[:_LONGEST].rstrip(".") + "."
