"""A practice in another database than the one it was last opened in: a dump that was put back.

The database that the dump was made of may be there still, with workstations that write to the same
Google calendars. So whoever opens the copy first begins a new term of each calendar under another
name (`claiming`), and the writers of the older database stop when they next look.
"""

from __future__ import annotations

import json
from datetime import datetime
from secrets import token_hex

from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import DBAPIError

from companion.adapters.database.claiming import claim_calendars
from companion.adapters.database.schema import documents, practice

_HOME = "settings/home"
_HERE = text(
    "SELECT system_identifier || '/' || oid FROM pg_control_system(), pg_database"
    " WHERE datname = current_database()"
)


def database_of(connection: Connection) -> str:
    """Server and database that no other has, in PostgreSQL; empty where they may not be asked
    for."""
    if connection.dialect.name == "sqlite":
        return ""
    try:
        with connection.begin_nested():
            return str(connection.scalar(_HERE))
    except DBAPIError:
        return ""


def take_copy_over(connection: Connection, now: datetime) -> bool:
    """Where this database is another than the practice was last opened in, go on from it as
    another writer. Whether that was so."""
    known = select(practice.c.database).where(practice.c.id == 1).with_for_update()
    before, here = connection.scalar(known), database_of(connection)
    if not here or before == here:
        return False
    connection.execute(update(practice).values(database=here))
    if not before:
        return False
    body = connection.scalar(select(documents.c.body).where(documents.c.name == _HOME))
    rows = json.loads(body or "{}")
    for home in rows.values():
        home["restored_as"] = token_hex(8)
    connection.execute(
        update(documents)
        .where(documents.c.name == _HOME)
        .values(body=json.dumps(rows), version=documents.c.version + 1)
    )
    claim_calendars(connection, now)
    return True
