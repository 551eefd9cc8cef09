"""open_practice_database(): from the address of a PostgreSQL server to a database of our tables."""

from __future__ import annotations

from sqlalchemy import URL, Connection

from companion.adapters.database import postgres
from companion.adapters.database.database import Database
from companion.adapters.database.fence import Fence
from companion.adapters.database.opening import is_current
from companion.adapters.database.postgres_access import Announce, PostgresAccess
from companion.domain.errors import StoreTooNew
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
        access.prepare(_is_current, _upgrade)
    except BaseException:
        access.close()
        raise
    return Database(access, clock, fence)


def _is_current(revision: str | None) -> bool:
    try:
        return is_current(revision)
    except StoreTooNew as error:
        raise StoreTooNew(
            "Another workstation of the practice has a newer version of Calendar Companion.",
            "Update this workstation, then start it again; nothing was changed.",
            detail=error.detail,
        ) from None


def _upgrade(connection: Connection) -> None:
    from companion.adapters.database.upgrading import upgrade

    upgrade(connection)
