"""The practice's database on PostgreSQL: what differs from the file of one home."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, text

from companion.adapters.database import Database, postgres
from companion.adapters.database.copying import MOVED_AWAY
from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.database.postgres_connection import check_server
from companion.adapters.database.postgres_errors import BY_SQLSTATE, of_postgresql
from companion.adapters.database.schema import HEAD, metadata
from companion.domain.errors import BadInput, CompanionError, StoreError, StoreTooNew
from companion.domain.practice_errors import DatabaseAway
from tests.contract.book_samples import appointment, put
from tests.fakes.clock import MONDAY, FakeClock
from tests.fakes.database_servers import PASSWORD
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql


@contextmanager
def session(url: URL) -> Iterator[Connection]:
    engine = postgres.engine_of(url, 2)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def do(url: URL, *statements: str) -> None:
    with session(url) as connection:
        for each in statements:
            connection.execute(text(each))


def refused(url: URL) -> CompanionError:
    """Why; neither the password nor a statement is in it."""
    with pytest.raises(CompanionError) as found:
        open_practice_database(url, FakeClock())
    error = found.value
    said = f"{error} {error.detail} {error.__cause__}"
    assert not any(each in said for each in (PASSWORD, "p%40ss", " FROM "))
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    return error


# ── opening ───────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_database_gets_the_tables(practice_server: PracticeServer) -> None:
    with practice_server.empty_database() as url:
        database = open_practice_database(url, FakeClock())
        assert await database.integrity() == "ok"
        assert len(await database.book.id_key()) == 32
        await database.close()


def test_a_database_of_a_newer_program_is_refused(practice_url: URL) -> None:
    do(practice_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match="Update this workstation"):
        open_practice_database(practice_url, FakeClock())


@pytest.mark.parametrize("address", ["", "nonsense", "sqlite:///x.db", "postgresql://server"])
def test_an_address_of_another_kind_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(BadInput):
        open_practice_database(address, FakeClock())


async def test_several_workstations_that_start_at_once_make_the_tables_once(
    practice_server: PracticeServer,
) -> None:
    with practice_server.empty_database() as url:
        opened: list[Database] = await asyncio.gather(
            *(asyncio.to_thread(open_practice_database, url, FakeClock()) for _ in range(4))
        )
        assert len({await each.book.id_key() for each in opened}) == 1
        for each in opened:
            await each.close()
        with session(url) as connection:
            assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [
                HEAD
            ]


def test_migrations_make_the_tables_of_the_schema_here_too(practice_url: URL) -> None:
    with session(practice_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # The index of sources is partial here: only the migration says so.
        differing = list(compare_metadata(context, metadata))
    assert [each[0] for each in differing if "appointments_by_source" not in str(each)] == []


def test_an_older_database_is_brought_up_to_date(practice_server: PracticeServer) -> None:
    with practice_server.empty_database() as url:
        do(
            url,
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        )
        open_practice_database(url, FakeClock())._access.close()
        with session(url) as connection:
            assert postgres.revision_of(connection) == HEAD


def test_a_migration_that_breaks_off_leaves_nothing_behind(
    practice_server: PracticeServer,
) -> None:
    with practice_server.empty_database() as url:
        do(url, "CREATE TABLE feed_links (id INT)")
        assert "another program" in refused(url).what
        with session(url) as connection:
            assert connection.scalar(text("SELECT to_regclass('appointments')")) is None


# ── what is refused ───────────────────────────────────────────────────────────────────────────


def test_a_wrong_password_is_said_so(practice_url: URL) -> None:
    error = refused(practice_url.set(password="wrong"))
    assert isinstance(error, StoreError)
    assert not isinstance(error, DatabaseAway)
    assert "user or password" in error.what


def test_a_database_that_does_not_exist_is_said_so(practice_url: URL) -> None:
    assert "no database of that name" in refused(practice_url.set(database="nowhere")).what


def test_a_user_without_rights_is_told_which_tables_lack_them(
    practice_server: PracticeServer, practice_url: URL
) -> None:
    theirs = practice_url.set(username="reader")
    error = refused(theirs)
    assert "may not" in error.what
    do(practice_url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    everything_but = "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader"
    do(practice_url, everything_but, "REVOKE DELETE ON imports FROM reader")
    assert refused(theirs).what.endswith(": imports.")
    with practice_server.empty_database() as url:
        practice_server.execute_in(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        assert "may not" in refused(url.set(username="reader")).what


def test_a_database_of_another_encoding_is_refused(practice_server: PracticeServer) -> None:
    practice_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "UTF8" in refused(practice_server.url_of("latin")).what
    practice_server.execute("DROP DATABASE latin")


def test_tables_of_another_program_with_versions_are_refused(
    practice_server: PracticeServer,
) -> None:
    with practice_server.empty_database() as url:
        do(
            url,
            "CREATE TABLE alembic_version (version_num VARCHAR(32))",
            "INSERT INTO alembic_version VALUES ('a1b2c3')",
        )
        assert "another program" in refused(url).what


@pytest.mark.parametrize(("sessions", "direct"), [([0, 5, 6], False), ([0, 5, 5], True)])
def test_a_pooler_that_gives_each_transaction_another_session_is_refused(
    practice_url: URL, monkeypatch: pytest.MonkeyPatch, sessions: list[int], direct: bool
) -> None:
    """As PgBouncer was seen to answer: its own number first, then those of the server's."""
    left = iter(sessions)
    monkeypatch.setattr(postgres, "_session_of", lambda _: next(left))
    if direct:
        open_practice_database(practice_url, FakeClock())._access.close()
    else:
        assert "pooler" in refused(practice_url).what


@pytest.mark.parametrize(
    ("version", "encoding", "stand_by", "said"),
    [
        (130_011, "UTF8", "off", "PostgreSQL 13, which is too old"),
        (140_000, "SQL_ASCII", "off", "UTF8"),
        (180_001, "UTF8", "on", "stand-by"),
    ],
)
def test_a_server_that_cannot_keep_a_practice_is_refused(
    version: int, encoding: str, stand_by: str, said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        check_server(version, encoding, stand_by)
    check_server(140_000, "UTF8", "off")


# ── errors ────────────────────────────────────────────────────────────────────────────────────


def test_the_table_of_errors_names_every_class_of_postgresql() -> None:
    listed = psycopg.errors._sqlcodes  # by code, as the server's documentation lists them
    known = {code: kind for code, kind in listed.items() if len(code) == 5}
    classes = {code[:2] for code in known}
    assert classes <= {each for each in BY_SQLSTATE if len(each) == 2}
    assert {each for each in BY_SQLSTATE if len(each) == 5} <= {*known, MOVED_AWAY}
    for code, kind in known.items():
        error = of_postgresql(kind("secret"))
        assert isinstance(error, CompanionError)
        assert error.detail.startswith(code)
        assert "secret" not in f"{error} {error.detail}"


async def test_an_error_of_the_server_shows_nothing_that_was_written(practice_url: URL) -> None:
    database = open_practice_database(practice_url, FakeClock())
    with pytest.raises(BadInput) as found:
        await put(
            database.book,
            appointment(1, source_id="secret-9"),
            appointment(2, source_id="secret-9"),
        )
    error = found.value
    assert error.detail == "23505 appointments_by_source"
    assert "secret" not in f"{error} {error.__cause__}"
    assert error.__suppress_context__
    await database.close()


async def test_a_slow_clock_hides_no_change_from_the_others(practice_url: URL) -> None:
    """Without a hub, as in a command, or while it is cut off."""
    fast, slow = FakeClock(MONDAY + timedelta(hours=1)), FakeClock(MONDAY)
    here, there = (open_practice_database(practice_url, clock) for clock in (fast, slow))
    try:
        await here.ledger.edit_state("mira", lambda state: replace(state, events=1))
        seen = [(await here.book.change_sign()).others]
        assert (await here.book.change_sign()).others == seen[0]
        await there.ledger.edit_state("mira", lambda state: replace(state, events=2))
        seen.append((await here.book.change_sign()).others)
        await put(there.book, appointment())
        seen.append((await here.book.change_sign()).others)
        assert len(set(seen)) == 3
    finally:
        await here.close()
        await there.close()
