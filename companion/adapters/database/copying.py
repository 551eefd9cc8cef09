"""Copying: all rows of a home from one database into another of either kind, and the proof of it.

Both sides go through the same columns, so a moment or a truth value is what it was, however each
database keeps it. `digests` reads a side back: of each table the number of its rows and a sum over
them that does not depend on their order, which two databases do not share. What PostgreSQL cannot
keep, the character NUL, is left out of texts on the way (no screen ever showed it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from companion.adapters.database.bulk import insert_many
from companion.adapters.database.schema import (
    activity,
    appointments,
    client_names,
    feed_links,
    id_key,
    import_changes,
    imports,
    ledger,
    practitioner_revisions,
    removed_appointments,
    replaced_appointments,
    sync_state,
)

OF_A_HOME: tuple[Table, ...] = (
    appointments,
    removed_appointments,
    client_names,
    id_key,
    practitioner_revisions,
    imports,
    import_changes,
    replaced_appointments,
    ledger,
    sync_state,
    activity,
    feed_links,
)
"""All that a home has in its database; the others are of a practice."""
_CHUNK = 500
_NUMBERED = (client_names, id_key, imports, activity)
"""Whose rows the database numbers."""
_SUM = 1 << 256

Digests = Mapping[str, tuple[int, str]]
"""By table: its rows, and a digest of them."""


def copy_rows(source: Connection, target: Connection, tables: Iterable[Table] = OF_A_HOME) -> None:
    """Into tables that are empty, as of the one moment that the transaction of `source` sees."""
    target.execute(delete(id_key))  # it was made with the tables; the source's counts
    for table in tables:
        statement = insert(table)
        for rows in _rows_of(source, table):
            insert_many(target, statement, rows)
    _number_on(target)


def digests(connection: Connection, tables: Iterable[Table] = OF_A_HOME) -> Digests:
    return {table.name: _digest_of(connection, table) for table in tables}


def is_empty(connection: Connection, tables: Iterable[Table] = OF_A_HOME) -> bool:
    """Nothing but what is made with the tables."""
    return all(
        connection.execute(select(table).limit(1)).first() is None
        for table in tables
        if table is not id_key
    )


def remove_rows(connection: Connection, tables: Iterable[Table] = OF_A_HOME) -> None:
    for table in tables:
        connection.execute(delete(table))


def _rows_of(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    found = source.execute(select(table).execution_options(yield_per=_CHUNK))
    for rows in found.mappings().partitions(_CHUNK):
        yield [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def _digest_of(connection: Connection, table: Table) -> tuple[int, str]:
    count = total = 0
    for rows in _rows_of(connection, table):
        count += len(rows)
        for row in rows:
            total = (total + int.from_bytes(hashlib.sha256(_written(row)).digest(), "big")) % _SUM
    return count, f"{total:064x}"


def _written(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, sort_keys=True, default=_in_words).encode("utf-8", "surrogatepass")


def _in_words(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
    raise TypeError(type(value).__name__)


def _number_on(target: Connection) -> None:
    """PostgreSQL counts for itself: rows that came with their numbers did not raise its count."""
    if target.dialect.name != "postgresql":
        return
    for table in _NUMBERED:
        sequence = func.pg_get_serial_sequence(table.name, "id")
        last = select(func.max(table.c.id)).scalar_subquery()
        target.execute(select(func.setval(sequence, func.coalesce(last, 1), last.is_not(None))))


MOVED_AWAY = "CC001"
"""The SQLSTATE with which a database refuses to be written after its practice moved away."""
_GUARD = "companion_has_moved"


def close_to_writers(connection: Connection, tables: Iterable[Table]) -> None:
    """From the commit on, no process of any version writes here: also one that was asleep."""
    connection.execute(
        text(
            f"CREATE OR REPLACE FUNCTION {_GUARD}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" RAISE EXCEPTION 'the practice has moved' USING ERRCODE = '{MOVED_AWAY}'; END $$"
        )
    )
    for table in tables:
        connection.execute(
            text(
                f"CREATE TRIGGER {_GUARD} BEFORE INSERT OR UPDATE OR DELETE ON {table.name}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {_GUARD}()"
            )
        )


def open_to_writers(connection: Connection) -> None:
    """Undo it."""
    connection.execute(text(f"DROP FUNCTION IF EXISTS {_GUARD}() CASCADE"))
