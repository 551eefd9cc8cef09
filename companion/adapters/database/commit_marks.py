"""Commit marks: whether a transaction whose answer was lost was committed, known for certain.

Each thread that writes has a row of its own, a slot. A transaction begins by putting a mark of its
own there, so it holds that row until its end: a free row with this mark says that it was committed,
a free row without it that it never will be. The transaction's number is no proof: PostgreSQL hands
it out anew after a crash, and `pg_xact_status` then tells what became of somebody else's.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

_KEPT_DAYS = 2
"""For how long a slot of a process that may have ended is kept."""
_LOCKED = "55P03"
_NOW = "timezone('UTC', clock_timestamp())"

_MAKE = text(
    f"INSERT INTO commits (slot, mark, at) VALUES (:slot, '', {_NOW}) ON CONFLICT DO NOTHING"  # noqa: S608 - a constant
)
_TIDY = text(
    "DELETE FROM commits WHERE slot IN (SELECT slot FROM commits"  # noqa: S608 - constants
    f" WHERE at < {_NOW} - interval '{_KEPT_DAYS} days' FOR UPDATE SKIP LOCKED)"
)
_PUT = text(
    f"UPDATE commits SET mark = :mark, at = {_NOW} WHERE slot = :slot"  # noqa: S608 - a constant
    " RETURNING pg_current_xact_id()::text, (SELECT max(version_num) FROM alembic_version),"
    " set_config('lock_timeout', :lock, true)"
)
_READ = text("SELECT mark FROM commits WHERE slot = :slot FOR UPDATE NOWAIT")
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_xid = CAST(CAST(:number AS text) AS xid8)::xid"
)


@dataclass(frozen=True, slots=True)
class CommitMark:
    slot: str
    mark: str
    number: str
    """Of the transaction."""


class CommitMarks:
    def __init__(self, engine: Engine) -> None:
        self._asking = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._own = threading.local()

    def put(self, connection: Connection, lock_seconds: float) -> tuple[CommitMark, str | None]:
        """The first statement of a transaction: its mark, and the revision of the tables.
        `lock_seconds`: how long the transaction waits for a lock."""
        slot, mark = self._slot(), secrets.token_hex(8)
        values = {"slot": slot, "mark": mark, "lock": f"{int(lock_seconds * 1000)}ms"}
        row = connection.execute(_PUT, values).one_or_none()
        if row is None:  # tidied away: this process has not written for days
            self._make(slot)
            row = connection.execute(_PUT, values).one()
        return CommitMark(slot, mark, row[0]), row[1]

    def was_committed(self, mark: CommitMark) -> bool | None:
        """None while it goes on, as the server has not learnt yet that its connection is dead; its
        session, which still holds its locks, is ended then."""
        with self._asking.connect() as connection:
            try:
                return bool(connection.scalar(_READ, {"slot": mark.slot}) == mark.mark)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", "") != _LOCKED:
                    raise
            connection.execute(_END, {"number": mark.number})
            return None

    def leave_slot(self) -> None:
        """What was begun in this thread may go on: the next takes another slot."""
        self._own.slot = ""

    def _slot(self) -> str:
        slot: str = getattr(self._own, "slot", "")
        if not slot:
            slot = secrets.token_hex(12)
            self._make(slot)
            self._own.slot = slot
        return slot

    def _make(self, slot: str) -> None:
        """Committed before it is used: a row that another session cannot see proves nothing."""
        with self._asking.connect() as connection:
            connection.execute(_TIDY)
            connection.execute(_MAKE, {"slot": slot})
