"""All rows of a home, from its file into PostgreSQL and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    URL,
    Boolean,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    Table,
    insert,
)
from sqlalchemy.exc import DBAPIError

from companion.adapters.database import open_database
from companion.adapters.database.copying import (
    MOVED_AWAY,
    OF_A_HOME,
    close_to_writers,
    copy_rows,
    digests,
    is_empty,
    open_to_writers,
    remove_rows,
)
from companion.adapters.database.postgres import engine_of
from companion.adapters.database.schema import (
    Instant,
    WallTime,
    activity,
    appointments,
    commits,
    documents,
    imports,
    lease,
    metadata,
    paces,
    practice,
    secrets,
    turns,
    workstations,
)
from companion.adapters.database.sqlite import writing_engine
from tests.fakes.clock import MONDAY, FakeClock

pytestmark = pytest.mark.postgresql

OF_A_PRACTICE = (documents, secrets, practice, workstations, lease, turns, paces, commits)


def value_of(column: Any, number: int) -> object:
    """Something that differs from row to row, and is awkward where a kind of column can be."""
    kind = column.type
    match kind:
        case Instant():
            return datetime(2026, 3, 29, 1, 30, tzinfo=UTC, microsecond=number)
        case WallTime():
            return MONDAY.replace(tzinfo=None, hour=2, minute=30, microsecond=number)
        case JSON():
            return {"b": [1.5, None, "ä"], "a": {"number": number}}
        case Boolean():
            return bool(number % 2)
        case LargeBinary():
            return bytes([0, 255, number]) + bytes(29)
        case Float():
            return 0.1 + number
        case Integer():
            return number
    return f"é\N{SNOWMAN} '%s' {number}"[: kind.length or 40]


def rows_of(table: Table) -> list[dict[str, object]]:
    rows = [
        {column.name: value_of(column, number) for column in table.columns}
        for number in range(1, 4)
    ]
    for column in table.columns:
        if column.nullable:
            rows[0][column.name] = None
    return rows


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Connection]:
    """The file of a home in which every column of every table has a value."""
    path = tmp_path / "book.db"
    open_database(path, FakeClock())._access.close()
    yield from connected(writing_engine(path))


@pytest.fixture
def server(practice_url: URL) -> Iterator[Connection]:
    yield from connected(engine_of(practice_url, 1))


def connected(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def fill(connection: Connection) -> None:
    remove_rows(connection)
    for table in OF_A_HOME:
        connection.execute(insert(table), rows_of(table))


def test_every_table_is_either_of_a_home_or_of_a_practice() -> None:
    assert {*OF_A_HOME, *OF_A_PRACTICE} == set(metadata.tables.values())
    assert not {*OF_A_HOME} & {*OF_A_PRACTICE}


def test_every_value_of_every_column_arrives_there_and_back(
    home: Connection, server: Connection, tmp_path: Path
) -> None:
    fill(home)
    assert is_empty(server)
    copy_rows(home, server)
    assert digests(server) == digests(home)
    assert all(count == 3 for count, _digest in digests(server).values())
    remove_rows(home)
    assert is_empty(home)
    copy_rows(server, home)
    assert digests(home) == digests(server)


def test_one_value_that_differs_shows_in_the_digest(home: Connection, server: Connection) -> None:
    fill(home)
    copy_rows(home, server)
    server.execute(activity.update().where(activity.c.id == 2).values(text="something else"))
    first, second = digests(home), digests(server)
    assert {name for name in first if first[name] != second[name]} == {"activity"}


def test_two_rows_that_changed_a_value_with_each_other_show_in_the_digest(
    home: Connection, server: Connection
) -> None:
    fill(home)
    copy_rows(home, server)
    for number, words in ((1, rows_of(activity)[1]), (2, rows_of(activity)[0])):
        change = activity.update().where(activity.c.id == number)
        server.execute(change.values(text=words["text"]))
    assert digests(home)["activity"] != digests(server)["activity"]


def test_the_next_number_goes_on_from_the_last(home: Connection, server: Connection) -> None:
    fill(home)
    copy_rows(home, server)
    new = {name: value for name, value in rows_of(imports)[0].items() if name != "id"}
    added = server.execute(insert(imports).values(new))
    assert added.inserted_primary_key == (4,)


def test_an_empty_home_leaves_the_first_number_free(home: Connection, server: Connection) -> None:
    copy_rows(home, server)
    new = {name: value for name, value in rows_of(imports)[0].items() if name != "id"}
    assert server.execute(insert(imports).values(new)).inserted_primary_key == (1,)


def test_the_character_nul_is_left_out(home: Connection, server: Connection) -> None:
    row = {**rows_of(appointments)[1], "title": "a\0b", "recurrence": {"k\0": ["\0x"]}}
    home.execute(insert(appointments), [row])
    copy_rows(home, server)
    assert digests(server) == digests(home)
    found = server.execute(appointments.select()).one()
    assert (found.title, found.recurrence) == ("ab", {"k": ["x"]})


def test_a_database_that_was_left_refuses_every_write_until_it_is_opened_again(
    home: Connection, server: Connection
) -> None:
    fill(home)
    copy_rows(home, server)
    close_to_writers(server, [*OF_A_HOME, secrets])
    server.commit()
    for statement in (
        activity.delete(),
        activity.update().values(text="x"),
        insert(secrets).values(rows_of(secrets)[0]),
    ):
        with pytest.raises(DBAPIError) as refused:
            server.execute(statement)
        assert refused.value.orig is not None
        assert getattr(refused.value.orig, "sqlstate", "") == MOVED_AWAY
        server.rollback()
    open_to_writers(server)
    server.execute(activity.delete())
    server.commit()
