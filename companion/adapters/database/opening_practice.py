"""open_practice_database(): from the address of a PostgreSQL server to a database of our tables."""

from __future__ import annotations

from sqlalchemy import URL

from companion.adapters.database import postgres
from companion.adapters.database.database import Database
from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.fencing import Fencing
from companion.adapters.database.hub import LOOK_SECONDS, Hub
from companion.adapters.database.postgres_access import PostgresAccess
from companion.adapters.database.why_away import explaining
from companion.services.changes import Changes
from companion.services.ports import Clock


def hub_of(url: str | URL, changes: Changes, *, look_seconds: float = LOOK_SECONDS) -> Hub:
    """Between this process and the others that use the database; to be started."""
    address = postgres.url_of(url)
    return Hub(
        lambda: connect_dedicated(address, name="hub", idle_seconds=6 * LOOK_SECONDS),
        changes,
        look_seconds=look_seconds,
    )


def open_practice_database(
    url: str | URL,
    clock: Clock,
    *,
    changes: Changes | None = None,
    hub: Hub | None = None,
    fencing: Fencing | None = None,
) -> Database:
    """Connect, and bring the tables to this program's; blocks.

    `changes` gets every commit of this process; `hub` tells the other workstations of it.
    `fencing`: keeps whoever was overtaken from writing; without it nothing does.
    Raises DatabaseAway, StoreTooNew, StoreError, Busy; BadInput for an address of another kind.
    """
    address = postgres.url_of(url)
    access = PostgresAccess(address, changes or Changes(), hub=hub)
    try:
        with explaining(address):
            access.prepare()
    except BaseException:
        access.close()
        raise
    return Database(access, clock, fencing)
