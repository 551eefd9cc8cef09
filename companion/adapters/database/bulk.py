"""Many rows, or many ids, in one statement.

SQLAlchemy converts the parameters of a bulk insert value by value, which costs more than SQLite
takes to write them; there they are converted column by column instead, by the columns' own types.
PostgreSQL gets all rows as one JSON text and takes it apart by the table's own columns: one way
over the network and one plan, however many rows there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    String,
    TypeDecorator,
    any_,
    bindparam,
    text,
)
from sqlalchemy import column as named
from sqlalchemy.sql.dml import Insert

Item = TypeVar("Item")
_ROWS = "rows_as_json"
_IDS = "wanted_ids"
_IDS_A_QUERY, _IDS_IN_AN_ARRAY = 500, 10_000


def among(connection: Connection, column: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that `column` is one of the ids of a `chunk_of_ids`."""
    if connection.dialect.name == "postgresql":  # one value: a plan however many there are
        return column == any_(bindparam(_IDS, type_=ARRAY(String)))
    return column.in_(bindparam(_IDS, expanding=True))


def chunks_of_ids(connection: Connection, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The values of `among`, as many at once as the database likes."""
    on_server = connection.dialect.name == "postgresql"
    for chunk in chunks(ids, _IDS_IN_AN_ARRAY if on_server else _IDS_A_QUERY):
        yield {_IDS: chunk}


def rows_at_once(connection: Connection) -> int:
    """So many take little memory, and each way over a network is worth its time."""
    return 5_000 if connection.dialect.name == "postgresql" else 2_000


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def insert_many(
    connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]
) -> None:
    """`rows`: each with a value for the same columns of the statement's table; none do nothing."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _insert_as_json(connection, statement, rows)
    else:
        _insert_by_columns(connection, statement, rows)


def _insert_by_columns(
    connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]
) -> None:
    dialect = connection.dialect
    compiled = statement.compile(dialect=dialect, column_keys=list(rows[0]))
    columns = []
    for name in compiled.positiontup or ():
        values = [row[name] for row in rows]
        convert = statement.table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        columns.append(values if convert is None else list(map(convert, values)))
    connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


def _insert_as_json(
    connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]
) -> None:
    names = list(rows[0])
    columns = []
    for name in names:
        kind, values = statement.table.c[name].type, [row[name] for row in rows]
        if isinstance(kind, TypeDecorator):
            values = [kind.process_bind_param(each, connection.dialect) for each in values]
        columns.append(values)
    written = json.dumps(
        [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)],
        ensure_ascii=False,
        separators=(",", ":"),
        default=_in_words,
    )
    quote = connection.dialect.identifier_preparer.quote
    listed, table = ", ".join(map(quote, names)), quote(statement.table.name)
    taken = text(
        f"SELECT {listed} FROM json_populate_recordset(NULL::{table}, CAST(:{_ROWS} AS json))"  # noqa: S608 - names of the schema
    ).bindparams(bindparam(_ROWS))
    connection.execute(
        statement.from_select(names, taken.columns(*map(named, names))), {_ROWS: written}
    )


def _in_words(value: object) -> str:
    """As PostgreSQL reads it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return "\\x" + value.hex()
    raise TypeError(type(value).__name__)
