"""How SQLite answers the queries that must stay quick in a large book: by an index, always."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Executable
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql import ClauseElement

from companion.adapters.database import (
    Database,
    activity,
    book,
    feeds,
    imports,
    ledger,
    open_database,
)
from companion.adapters.database.migrations.versions import v0001
from companion.adapters.database.schema import Instant, WallTime, metadata
from companion.adapters.database.sqlite_access import SqliteAccess
from tests.fakes.clock import FakeClock

POSTGRESQL = make_url("postgresql://").get_dialect()
TABLES = list(metadata.tables.items())
START = datetime(2026, 3, 2)  # noqa: DTZ001 - wall time


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(tmp_path / "book.db", FakeClock())
    yield opened
    await opened.close()


async def plan(database: Database, statement: ClauseElement, **values: Any) -> list[str]:
    access = database._access
    assert isinstance(access, SqliteAccess)
    compiled = statement.params(values).compile(
        access._reading, compile_kwargs={"literal_binds": True}
    )
    return await database._access.read(
        lambda connection: [
            row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
        ]
    )


async def test_a_span_of_days_is_three_ranges_of_one_index(database: Database) -> None:
    steps = await plan(
        database,
        book.IN_SPAN,
        practitioner_id="mira",
        start=START,
        start_of_brief=START - timedelta(days=2),
        end=START + timedelta(days=1),
    )
    searches = [step for step in steps if "appointments" in step]
    by_time = "SEARCH appointments USING INDEX appointments_by_time (practitioner_id=? AND shape=?"
    assert searches == [
        f"{by_time} AND earliest>? AND earliest<?)",
        f"{by_time} AND earliest<?)",
        f"{by_time} AND earliest<?)",
    ]


async def test_imports_and_what_they_replaced_are_found_by_keys(database: Database) -> None:
    for statement, values in ((imports._NEWEST, {}), (imports._REPLACED, {"import_id": 1})):
        steps = await plan(database, statement, **values)
        assert len(steps) == 3
        assert all("KEY" in each or "INDEX" in each or "SUBQUERY" in each for each in steps)
        assert not any("TEMP B-TREE" in each for each in steps)


SEVERAL = {"practitioner_ids": ["mira", "omar"]}


async def test_what_the_appointment_book_shows_is_searched_by_the_index_of_time(
    database: Database,
) -> None:
    end = START + timedelta(days=1)
    brief = {"start_of_brief": START - timedelta(days=2)}
    for statement, values in (
        (book.IN_SPAN_OF_SEVERAL, {"start": START, "end": end, **brief}),
        (book.SERIES_OF_SEVERAL, {"end": end}),
        (book.DAY_COUNTS, {"start": START, "end": end}),
    ):
        steps = await plan(database, statement, **SEVERAL, **values)
        searches = [step for step in steps if "appointments" in step]
        assert searches
        for step in searches:
            assert "INDEX appointments_by_time (practitioner_id=? AND shape=? AND earl" in step


async def test_the_ledger_of_a_day_is_searched_by_practitioner(database: Database) -> None:
    steps = await plan(
        database,
        ledger.ENTRIES_BETWEEN,
        practitioners=["mira", "omar"],
        start=datetime(2026, 3, 2, tzinfo=UTC),
        end=datetime(2026, 3, 3, tzinfo=UTC),
    )
    assert steps == ["SEARCH ledger USING PRIMARY KEY (practitioner_id=?)"]


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (book._OF_SOURCE, {"source": "pms"}, "appointments_by_source"),
        (book._ONE, {"id": "a"}, "sqlite_autoindex_appointments_1"),
        (ledger._ENTRIES, {"practitioner": "mira", "calendar": "c"}, "PRIMARY KEY"),
        (ledger._CALENDARS, {"practitioner": "mira"}, "PRIMARY KEY"),
        (feeds._BY_TOKEN, {"wanted": b"x"}, "sqlite_autoindex_feed_links_2"),
        (activity._NEWEST, {}, "activity_by_time"),
        (
            book._ELSEWHERE,
            {"source": "pms", "practitioner_ids": ["mira"], "start": START, "end": START},
            "appointments_by_time",
        ),
    ],
)
async def test_nothing_is_searched_or_sorted_without_an_index(
    database: Database, statement: Executable, values: dict[str, Any], index: str
) -> None:
    assert isinstance(statement, ClauseElement)
    steps = await plan(database, statement, **values)
    assert len(steps) == 1
    assert index in steps[0]


def test_the_tables_and_the_span_are_such_that_postgresql_can_have_them_too() -> None:
    dialect = POSTGRESQL()
    made = {name: str(CreateTable(table).compile(dialect=dialect)) for name, table in TABLES}
    assert "earliest TIMESTAMP WITHOUT TIME ZONE NOT NULL" in made["appointments"]
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written}
    )
    with Operations.context(context):
        v0001.upgrade()
    (by_source,) = re.findall(r"CREATE UNIQUE INDEX appointments_by_source .*", written.getvalue())
    assert "WHERE source_id <> ''" in by_source
    assert "UNION ALL" in str(book.IN_SPAN.compile(dialect=dialect))


def test_postgresql_is_given_datetimes_and_not_text() -> None:
    dialect = POSTGRESQL()
    aware = datetime.fromisoformat("2026-03-02T11:00:00+11:00")
    assert WallTime().process_bind_param(START, dialect) == START
    assert WallTime().process_result_value(START, dialect) == START
    assert Instant().process_bind_param(aware, dialect) == START
    assert Instant().process_result_value(START, dialect) == aware
