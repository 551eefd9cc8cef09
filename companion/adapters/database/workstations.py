"""PostgresWorkstations: the computers of a practice, and who of them is on.

Each that is on writes its row every few seconds, by the clock of the database. With the same
question it learns how far its own clock is ahead, which it writes with the next.

The moment at which it began is the mark of one app: where the data folder of a workstation was
copied, two are on as the same one, and each finds the other's moment in the row. The one that began
first puts its own back; the other finds that again and again, and gives way.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import namedtuple_row

from companion.adapters.database.dedicated_connection import DedicatedConnection
from companion.adapters.database.dedicated_session import DedicatedSession
from companion.adapters.database.lease_session import IS_ON, NOW, ON_SECONDS
from companion.domain.errors import Busy, CompanionError, NotFound
from companion.domain.practice_errors import (
    PracticeKeyRenewed,
    WorkstationCopied,
    WorkstationForgotten,
)
from companion.services.ports import Clock, Workstation

log = logging.getLogger(__name__)

BEAT_EVERY = 5.0

TIMES_DISPLACED = 2
"""Once may be a database that was restored under a running app."""

_BEAT = f"""
UPDATE workstations SET
    version = %(version)s, seen_at = {NOW},
    started_at = coalesce(least(started_at, %(began)s::timestamp), {NOW}),
    feed_address = %(feed)s, clock_ahead = %(ahead)s
WHERE id = %(me)s
RETURNING clock_timestamp(), started_at
"""  # noqa: S608 - constants of this module
_BEGIN = _BEAT.replace("coalesce(least(started_at, %(began)s::timestamp), ", "(")
_OFF = f"UPDATE workstations SET started_at = NULL, seen_at = {NOW} WHERE id = %(me)s"  # noqa: S608
_ALL = f"""
SELECT workstations.id, name, version, joined_at, seen_at, {IS_ON} AS is_on, started_at,
    feed_address, clock_ahead, lease.id IS NOT NULL AS keeps, lease.since
FROM workstations LEFT JOIN lease ON lease.workstation_id = workstations.id
    AND NOT released AND renewed_at > {NOW} - interval '{ON_SECONDS} s'
"""  # noqa: S608
_WANTED = f"""
INSERT INTO lease (id, term, workstation_id, since, renewed_at, released, wanted_by)
VALUES (1, 0, '', {NOW}, {NOW}, true, %(id)s)
ON CONFLICT (id) DO UPDATE SET wanted_by = CASE
    WHEN lease.workstation_id = %(id)s AND NOT lease.released THEN '' ELSE excluded.wanted_by END
"""  # noqa: S608
_FORGET = f"DELETE FROM workstations WHERE id = %(id)s AND NOT ({IS_ON})"  # noqa: S608
_UNWANTED = "UPDATE lease SET wanted_by = '' WHERE wanted_by = %(id)s"
_RENAME = "UPDATE workstations SET name = %(name)s WHERE id = %(id)s"
_IS_THERE = "SELECT FROM workstations WHERE id = %(id)s"


class PostgresWorkstations:
    """The `Practice` of one workstation."""

    def __init__(
        self,
        session: DedicatedSession,
        workstation_id: str,
        *,
        version: str,
        clock: Clock,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`wall_clock`: this computer's, whatever is rehearsed."""
        self._session = session
        self._me = workstation_id
        self._version = version
        self._clock = clock
        self._wall_clock = wall_clock
        self.prove_key: Callable[[], Awaitable[None]] = _nothing_to_prove
        """Asked at each beat of an app; raises PracticeKeyRenewed where this one must stop."""
        self._ahead: float | None = None
        self._began: datetime | None = None
        self._displaced = 0

    @property
    def this_one(self) -> str:
        return self._me

    async def workstations(self) -> Sequence[Workstation]:
        def work(connection: DedicatedConnection) -> Sequence[Any]:
            return connection.cursor(row_factory=namedtuple_row).execute(_ALL).fetchall()

        found = await self._session.ask(work)
        return sorted(map(_workstation, found), key=lambda each: (each.name.casefold(), each.id))

    async def let_keep(self, workstation_id: str) -> None:
        await self._change(workstation_id, [_WANTED])

    async def forget(self, workstation_id: str) -> None:
        if not await self._change(workstation_id, [_UNWANTED, _FORGET]):
            raise Busy(
                "That workstation is on, so it cannot be forgotten.",
                "Stop Calendar Companion there first.",
            )

    async def rename(self, workstation_id: str, name: str) -> None:
        await self._change(workstation_id, [_RENAME], {"name": name})

    async def _change(
        self, workstation_id: str, statements: Sequence[str], more: Mapping[str, Any] | None = None
    ) -> bool:
        """Whether the last statement changed a row. Raises NotFound."""
        values = {"id": workstation_id, **(more or {})}

        def work(connection: DedicatedConnection) -> bool:
            if not connection.execute(_IS_THERE, values).rowcount:
                raise NotFound("That workstation is not there any more.", "Look at the list again.")
            with connection.transaction():
                changed = [connection.execute(each, values).rowcount for each in statements]
            return bool(changed[-1])

        return await self._session.ask(work)

    # ── being on ──────────────────────────────────────────────────────────────────────────────

    async def stay_on(self, feed_address: Callable[[], str]) -> None:
        failing = out = False
        self._began, self._displaced = None, 0
        try:
            while True:
                try:
                    await self._beat(feed_address())
                    await self.prove_key()
                    failing = False
                except (WorkstationForgotten, WorkstationCopied, PracticeKeyRenewed) as error:
                    log.warning("this workstation stops: %s", type(error).__name__)
                    out = not isinstance(error, PracticeKeyRenewed)
                    raise
                except CompanionError as error:
                    if not failing:
                        log.warning("this workstation is not seen: %s", type(error).__name__)
                    failing = True
                await self._clock.sleep(BEAT_EVERY)
        finally:
            with suppress(CompanionError):
                if not out:  # the row is another's
                    await self._session.ask(
                        lambda connection: connection.execute(_OFF, {"me": self._me})
                    )

    async def _beat(self, feed_address: str) -> None:
        """Raises WorkstationForgotten, WorkstationCopied."""

        def ask(
            connection: DedicatedConnection, query: str, values: Mapping[str, Any]
        ) -> Sequence[Any] | None:
            before = self._wall_clock()
            row = connection.execute(query, values).fetchone()
            after = self._wall_clock()
            if row is not None:
                self._ahead = ((before - row[0]) + (after - row[0])).total_seconds() / 2
            return row

        def work(connection: DedicatedConnection) -> Sequence[Any] | None:
            if self._ahead is None:
                ask(connection, "SELECT clock_timestamp()", {})
            values = {
                "me": self._me,
                "version": self._version,
                "feed": feed_address,
                "ahead": self._ahead,
                "began": self._began,
            }
            return ask(connection, _BEGIN if self._began is None else _BEAT, values)

        row = await self._session.ask(work)
        if row is None:
            raise WorkstationForgotten
        if self._began is None or row[1] == self._began:
            self._began = row[1]
            return
        # Of an app that began earlier as this workstation; asserted anew, it stays where it is off.
        self._displaced += 1
        self._began = None
        if self._displaced >= TIMES_DISPLACED:
            raise WorkstationCopied


async def _nothing_to_prove() -> None:
    pass


def _workstation(row: Any) -> Workstation:
    on_since = _aware(row.started_at) if row.is_on else None
    return Workstation(
        id=row.id,
        name=row.name,
        version=row.version,
        joined_at=_aware(row.joined_at),
        seen_at=_aware(row.seen_at),
        on=bool(row.is_on),
        keeps_calendars=row.keeps,
        since=_aware(row.since) if row.keeps else on_since,
        feed_address=row.feed_address,
        clock_ahead=timedelta(seconds=row.clock_ahead),
    )


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
