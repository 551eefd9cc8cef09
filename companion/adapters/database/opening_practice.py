"""open_practice_database(): from the address of a PostgreSQL server to a database of our tables."""

from __future__ import annotations

from sqlalchemy import URL

from companion.adapters.database import postgres
from companion.adapters.database.database import Database
from companion.adapters.database.fence import Fence
from companion.adapters.database.postgres_access import Announce, PostgresAccess
from companion.services.changes import Changes
from companion.services.ports import Clock


def open_practice_database(
    url: str | URL,
    clock: Clock,
    *,
    changes: Changes | None = None,
    announce: Announce | None = None,
    fence: Fence | None = None,
) -> Database:
    """Connect, and bring the tables to this program's; blocks.

    `changes` gets every commit of this process; `announce` tells the other workstations of it.
    `fence`: keeps whoever was overtaken from writing; without it nothing does.
    Raises DatabaseAway, StoreTooNew, StoreError, Busy; BadInput for an address of another kind.
    """
    access = PostgresAccess(postgres.url_of(url), changes or Changes(), announce=announce)
    try:
        access.prepare()
    except BaseException:
        access.close()
        raise
    return Database(access, clock, fence)
