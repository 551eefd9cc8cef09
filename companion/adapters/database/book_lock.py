"""Who may write when several workstations do.

SQLite has one writer at a time, whatever it writes. On PostgreSQL those who change the book wait
for each other here, with the first statement of their transaction and until its end; everybody
else locks the rows they read and write again (`with_for_update`).
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

BOOK = 0x0CA1_0002


def lock_book(connection: Connection) -> None:
    """Wait until nobody else changes the book, and keep them waiting until the commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(BOOK)))
