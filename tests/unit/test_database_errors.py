"""Each thing the database may say, in words for a receptionist, and no client's name in any."""

from __future__ import annotations

import errno
import sqlite3
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from companion.adapters.database import open_database
from companion.adapters.database.errors import (
    BY_RESULT_CODE,
    BY_SYSTEM_ERROR,
    translated,
    translating,
)
from companion.domain.errors import BadInput, Busy, CompanionError, StoreDamaged, StoreError
from companion.services.ports import Activity, ActivityKind, BookChange
from tests.fakes.appointments import appointment
from tests.fakes.clock import FakeClock

SECRET = "Verysecret"
"""A client's name, say."""
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
RESULT_CODES = range(1, 29)
"""SQLITE_ERROR to SQLITE_WARNING: all primary codes that are errors (sqlite.org/rescode.html)."""


def fault(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(SECRET)
    error.sqlite_errorcode = code
    error.sqlite_errorname = f"SQLITE_{code}"
    return error


def wrapped(error: sqlite3.Error) -> Exception:
    made = DBAPIError.instance("SELECT 1", {"name": SECRET}, error, sqlite3.Error)
    assert isinstance(made, Exception)
    return made


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        yield from below(each)


def test_the_table_knows_every_result_code() -> None:
    assert set(BY_RESULT_CODE) == set(RESULT_CODES)


def test_every_extended_code_of_this_python_belongs_to_one_of_them() -> None:
    extended = {
        value
        for name, value in vars(sqlite3).items()
        if name.startswith("SQLITE_") and value > 0xFF and not name.startswith("SQLITE_OK")
    }
    assert len(extended) > 50
    assert {value & 0xFF for value in extended} <= set(BY_RESULT_CODE)


@pytest.mark.parametrize("code", RESULT_CODES)
def test_every_result_code_has_plain_words(code: int) -> None:
    for error in (fault(code), wrapped(fault(code)), wrapped(fault(code | 7 << 8))):
        said = translated(error)
        assert said.what
        assert said.remedy
        assert said.detail
        assert SECRET not in f"{said} {said.detail}"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, Busy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Busy),
        (sqlite3.SQLITE_LOCKED, Busy),
        (sqlite3.SQLITE_PROTOCOL, Busy),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamaged),
        (sqlite3.SQLITE_NOTADB, StoreDamaged),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, BadInput),
        (sqlite3.SQLITE_TOOBIG, BadInput),
    ],
)
def test_what_a_caller_may_act_on_is_of_its_own_kind(code: int, kind: type[Exception]) -> None:
    assert type(translated(wrapped(fault(code)))) is kind


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (fault(sqlite3.SQLITE_FULL), "Free some space"),
        (OSError(errno.ENOSPC, "no space"), "Free some space"),
        (fault(sqlite3.SQLITE_READONLY), "Let this user write"),
        (fault(sqlite3.SQLITE_READONLY_DIRECTORY), "Let this user write"),
        (PermissionError(errno.EACCES, "denied"), "Let this user write"),
        (fault(sqlite3.SQLITE_CANTOPEN), "the data folder exists"),
        (fault(sqlite3.SQLITE_IOERR_WRITE), "network drive"),
        (OSError(errno.EIO, "fault"), "network drive"),
    ],
)
def test_an_error_of_the_disk_names_its_remedy(error: Exception, words: str) -> None:
    said = translated(error)
    assert type(said) is StoreError
    assert words in said.remedy


@pytest.mark.parametrize("code", [*BY_SYSTEM_ERROR, errno.EINVAL])
def test_every_error_of_the_file_system_is_one_of_ours(code: int) -> None:
    assert isinstance(translated(OSError(code, "the name of a file")), StoreError)


@pytest.mark.parametrize("kind", sorted(set(below(SQLAlchemyError)), key=str))
def test_every_error_of_sqlalchemy_becomes_one_of_ours(kind: type[SQLAlchemyError]) -> None:
    error = kind.__new__(kind)
    if isinstance(error, DBAPIError):
        error.orig = fault(sqlite3.SQLITE_IOERR)
    with pytest.raises(CompanionError) as said, translating():
        raise error
    assert said.value.__cause__ is error
    assert isinstance(said.value, Busy) == (kind is PoolTimeout)


@pytest.mark.parametrize("kind", sorted(set(below(sqlite3.Error)), key=str))
def test_every_error_of_sqlite3_becomes_one_of_ours(kind: type[sqlite3.Error]) -> None:
    """Those without a result code come from the module itself."""
    for error in (kind(SECRET), wrapped(kind(SECRET))):
        with pytest.raises(StoreError) as said, translating():
            raise error
        assert SECRET not in f"{said.value} {said.value.detail}"


def test_our_own_errors_pass_as_they_are() -> None:
    ours = Busy()
    with pytest.raises(Busy) as said, translating():
        raise ours
    assert said.value is ours


async def test_no_client_s_name_is_in_an_error_or_behind_it(tmp_path: Path) -> None:
    start = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - wall time
    one = appointment(start, client_last_name=SECRET, source="pms", source_id="1")
    line = Activity(
        at=NOW,
        practitioner_id="",
        cause="x",
        kind=ActivityKind.ERROR,
        text=SECRET + "\ud800",
        count=1,
    )
    database = open_database(tmp_path / "book.db", FakeClock())
    with pytest.raises(BadInput) as conflict:
        await database.book.apply(BookChange(put=[one, replace(one, id="b")]), NOW)
    with pytest.raises(BadInput) as half:
        await database.activity.add([line])
    with pytest.raises(BadInput) as huge:
        await database.activity.add([replace(line, text=SECRET, count=2**80)])
    with pytest.raises(StoreError) as wrong:
        await database.activity.add([replace(line, at=start, text=SECRET)])
    await database.close()
    for refused in (conflict, half, huge, wrong):
        error = refused.value
        assert error.remedy
        everything = "".join(traceback.format_exception(error)) + error.detail
        assert SECRET not in everything
