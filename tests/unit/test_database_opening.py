"""Opening a database: new, current, older, newer, damaged, foreign, twice at once."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from companion.adapters.database import Database, open_database, sqlite
from companion.adapters.database.schema import HEAD, metadata
from companion.adapters.database.sqlite_access import SqliteAccess
from companion.adapters.database.upgrading import configuration, known_revisions
from companion.domain.errors import BadInput, StoreDamaged, StoreError, StoreTooNew
from companion.domain.sync_state import SyncState
from companion.services.changes import Changes
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).resolve().parents[2]

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "query_only": 0,
}


def opened(path: Path) -> Database:
    return open_database(path, FakeClock())


def make(path: Path) -> Path:
    opened(path)._access.close()
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        for statement in statements:
            raw.execute(statement)


def value(path: Path, statement: str) -> object:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(statement).fetchone()[0]


# ── new and current ───────────────────────────────────────────────────────────────────────────


def test_a_new_database_gets_its_folder_and_its_tables(tmp_path: Path) -> None:
    path = make(tmp_path / "a" / "b" / "book.db")
    assert value(path, "SELECT version_num FROM alembic_version") == HEAD


def test_a_new_database_is_for_this_user_only(tmp_path: Path) -> None:
    path = make(tmp_path / "home" / "book.db")
    if sys.platform != "win32":  # Windows keeps user folders private by inheritance
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_an_address_of_sqlite_names_the_file(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'book.db'}", FakeClock())._access.close()
    assert (tmp_path / "book.db").exists()


def test_an_empty_file_counts_as_new(tmp_path: Path) -> None:
    (tmp_path / "book.db").touch()
    path = make(tmp_path / "book.db")
    assert value(path, "SELECT version_num FROM alembic_version") == HEAD


async def test_commits_are_durable_and_readers_cannot_write(tmp_path: Path) -> None:
    path = make(tmp_path / "book.db")
    for engine, cannot_write in (
        (sqlite.writing_engine(path), 0),
        (sqlite.reading_engine(path, 1), 1),
    ):
        with closing(engine.raw_connection()) as connection:
            cursor = connection.cursor()
            found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
        engine.dispose()
        assert found == {**PRAGMAS, "query_only": cannot_write}


def test_a_closed_database_is_one_file_that_can_be_copied(tmp_path: Path) -> None:
    make(tmp_path / "book.db")
    assert [each.name for each in tmp_path.iterdir()] == ["book.db"]


def test_opening_a_current_database_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path / "book.db")
    before = contents(tmp_path)
    make(tmp_path / "book.db")
    assert contents(tmp_path) == before


def test_opening_a_current_database_loads_neither_alembic_nor_postgresql(tmp_path: Path) -> None:
    path = make(tmp_path / "book.db")
    script = f"""
import sys
import companion.main
from companion.adapters.database import open_database
from tests.fakes.clock import FakeClock
database = open_database({f"sqlite:///{path}"!r}, FakeClock())
database._access.close()
unwanted = ("alembic", "mako", "psycopg", "psycopg_binary", "psycopg_pool")
print([name for name in sys.modules if name.partition(".")[0] in unwanted])
print([name for name in sys.modules if name.startswith("sqlalchemy.dialects.postgresql")])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[]\n[]\n", "")


def test_a_current_database_opens_while_another_process_writes(tmp_path: Path) -> None:
    path = make(tmp_path / "book.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        make(path)


def test_two_programs_may_open_the_same_new_database_at_once(tmp_path: Path) -> None:
    script = f"""
from companion.adapters.database import open_database
from tests.fakes.clock import FakeClock
print("ready", flush=True)
input()
open_database({f"sqlite:///{tmp_path / 'book.db'}"!r}, FakeClock())._access.close()
"""
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    assert [(each.communicate(timeout=60)[1], each.returncode) for each in programs] == [
        ("", 0)
    ] * 4
    assert value(tmp_path / "book.db", "SELECT count(*) FROM alembic_version") == 1


# ── migrations ────────────────────────────────────────────────────────────────────────────────


def test_the_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == HEAD
    assert HEAD in known_revisions()


def test_migrations_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    path = make(tmp_path / "book.db")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    declared = sqlite3.connect(":memory:")
    memory = create_engine("sqlite://", creator=lambda: declared)
    metadata.create_all(memory)
    made = "SELECT name, sql FROM sqlite_schema WHERE name != 'alembic_version' ORDER BY name"
    with closing(sqlite3.connect(path)) as migrated:
        wanted = [(name, squeezed(sql)) for name, sql in declared.execute(made)]
        found = [(name, squeezed(sql)) for name, sql in migrated.execute(made)]
    memory.dispose()
    assert [each for each in found if "alembic_version" not in each[0]] == wanted


def squeezed(sql: str | None) -> str:
    return " ".join((sql or "").split())


def test_a_migration_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    access = SqliteAccess(tmp_path / "book.db", Changes())

    def half(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE appointments (id TEXT)")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        access.prepare(lambda _: False, half)
    access.close()
    assert value(tmp_path / "book.db", "SELECT count(*) FROM sqlite_schema") == 0
    make(tmp_path / "book.db")


def test_migrating_leaves_the_logging_of_the_program_alone(tmp_path: Path) -> None:
    ours = logging.getLogger("companion.some.module")
    before = (logging.getLogger().handlers[:], logging.getLogger().level)
    make(tmp_path / "book.db")
    assert (logging.getLogger().handlers, logging.getLogger().level) == before
    assert not ours.disabled


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    name = "100 % sure #1 – Zoë's"
    odd = tmp_path / (name if sys.platform == "win32" else name + "?mode=memory")
    path = make(odd / "book.db")
    make(path)
    assert value(path, "SELECT version_num FROM alembic_version") == HEAD


# ── files that are not for us ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_of_a_newer_program_is_refused_and_not_touched(
    tmp_path: Path, mode: str
) -> None:
    path = make(tmp_path / "book.db")
    newer = "UPDATE alembic_version SET version_num='9999'"
    execute(path, f"PRAGMA journal_mode={mode}", newer)
    before = contents(tmp_path)
    assert list(before) == ["book.db"]
    with pytest.raises(StoreTooNew):
        opened(path)
    assert contents(tmp_path) == before


def test_a_newer_program_that_crashed_after_migrating_is_noticed(tmp_path: Path) -> None:
    """Its revision is in the log beside the file only; both must stay as they are."""
    path = make(tmp_path / "live" / "book.db")
    crashed = tmp_path / "crashed"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE alembic_version SET version_num='9999'")
        raw.commit()
        shutil.copytree(path.parent, crashed)
    (crashed / "book.db-shm").unlink()
    before = contents(crashed)
    assert before["book.db-wal"]
    with pytest.raises(StoreTooNew):
        opened(crashed / "book.db")
    after = contents(crashed)
    assert {name: after[name] for name in before} == before


async def test_an_older_program_that_crashed_is_recovered(tmp_path: Path) -> None:
    path = make(tmp_path / "live" / "book.db")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("INSERT INTO practitioner_revisions VALUES ('mira', 7)")
        raw.commit()
        shutil.copytree(path.parent, tmp_path / "crashed")
    database = opened(tmp_path / "crashed" / "book.db")
    assert await database.book.revisions() == {"mira": 7}
    await database.close()


@pytest.mark.parametrize(
    "content", [b"id,name\n1,Ana\n" * 100, b"SQLite format 3\0" + bytes(2_000), b"x"]
)
def test_a_file_that_is_no_database_is_damaged_and_not_touched(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "book.db"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged):
        opened(path)
    assert contents(tmp_path) == {"book.db": content}


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE moz_places (id)"],
        ["CREATE TABLE alembic_version (version_num)"],
        [
            "CREATE TABLE alembic_version (version_num)",
            "INSERT INTO alembic_version VALUES ('0001'), ('0002')",
        ],
    ],
)
def test_another_program_s_database_is_not_touched(tmp_path: Path, statements: list[str]) -> None:
    execute(tmp_path / "book.db", *statements)
    before = contents(tmp_path)
    with pytest.raises(StoreDamaged):
        opened(tmp_path / "book.db")
    assert contents(tmp_path) == before


def test_a_folder_in_place_of_the_file_or_a_file_in_place_of_the_folder_is_said_so(
    tmp_path: Path,
) -> None:
    (tmp_path / "book.db").mkdir()
    (tmp_path / "home").touch()
    for path in (tmp_path / "book.db", tmp_path / "home" / "book.db"):
        with pytest.raises(StoreError, match="could not be opened"):
            opened(path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "book.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///book.db?mode=ro",
        "postgresql://user:secret@host/book",
        "://",
    ],
)
def test_an_address_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadInput) as refused:
        open_database(url, FakeClock())
    assert "secret" not in f"{refused.value}{refused.value.detail}"
    assert refused.value.field == "COMPANION_DATABASE_URL"


def test_a_drive_that_cannot_share_memory_is_refused_with_a_remark() -> None:
    """A database in memory answers as a network share does: no WAL."""
    with closing(sqlite3.connect(":memory:")) as raw, pytest.raises(StoreError) as refused:
        sqlite.switch_to_wal(raw)
    assert "network share" in refused.value.what
    assert "COMPANION_HOME" in refused.value.remedy


def test_the_change_to_wal_waits_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    execute(path, "CREATE TABLE x (y)")
    pauses = []
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as raw,
    ):
        other.execute("BEGIN IMMEDIATE")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                other.execute("ROLLBACK")

        sqlite.switch_to_wal(raw, pause)
    assert len(pauses) == 3
    assert value(path, "PRAGMA journal_mode") == "wal"


def test_the_change_to_wal_does_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    execute(path, "CREATE TABLE x (y)")
    pauses: list[float] = []
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as raw,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite.switch_to_wal(raw, pauses.append)
    assert 3 < sum(pauses) <= 5


async def test_opening_again_in_the_same_process_sees_the_same_book(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "book.db"), opened(tmp_path / "book.db")
    await first.ledger.edit_state("mira", lambda _: SyncState(events=1))
    assert await asyncio.wait_for(second.ledger.state("mira"), 10) == SyncState(events=1)
    await first.close()
    await second.close()
