"""Many rows of one statement at once.

SQLAlchemy converts the parameters of a bulk insert value by value, which costs more than SQLite
takes to write them. Where the driver takes its parameters by position they are converted column
by column instead, by the columns' own types; other drivers get the statement as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import Insert


def insert_many(
    connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]
) -> None:
    """`rows`: each with a value for the same columns of the statement's table; none do nothing."""
    if not rows:
        return
    dialect = connection.dialect
    compiled = statement.compile(dialect=dialect, column_keys=list(rows[0]))
    places = compiled.positiontup
    if places is None:
        connection.execute(statement, rows)
        return
    columns = []
    for name in places:
        values = [row[name] for row in rows]
        convert = statement.table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        columns.append(values if convert is None else list(map(convert, values)))
    connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))
