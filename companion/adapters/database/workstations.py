"""PracticeWorkstations: the computers of a practice, and who of them is on.

Each that is on writes its row every few seconds, by the clock of the database. With the same
question it learns how far its own clock is ahead, which it writes with the next.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from companion.adapters.database.lease_session import IS_ON, NOW, ON_SECONDS
from companion.adapters.database.own_connection import OwnConnection
from companion.adapters.database.own_session import OwnSession
from companion.domain.errors import Busy, CompanionError, NotFound
from companion.services.ports import Clock, Workstation

log = logging.getLogger(__name__)

BEAT_EVERY = 5.0

_BEAT = f"""
INSERT INTO workstations
    (id, name, version, joined_at, started_at, seen_at, feed_address, clock_ahead)
VALUES (%(me)s, %(name)s, %(version)s, {NOW}, {NOW}, {NOW}, %(feed)s, %(ahead)s)
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version, seen_at = {NOW},
    started_at = CASE WHEN %(first)s THEN {NOW} ELSE coalesce(workstations.started_at, {NOW}) END,
    feed_address = excluded.feed_address, clock_ahead = excluded.clock_ahead
RETURNING clock_timestamp()
"""  # noqa: S608 - constants of this module
_OFF = f"UPDATE workstations SET started_at = NULL, seen_at = {NOW} WHERE id = %(me)s"  # noqa: S608
_ALL = f"""
SELECT workstations.id, name, version, joined_at, seen_at, {IS_ON}, started_at, feed_address,
    clock_ahead, lease.id IS NOT NULL, lease.since
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


class PracticeWorkstations:
    """The `Practice` of one workstation."""

    def __init__(
        self,
        session: OwnSession,
        workstation_id: str,
        *,
        name: str,
        version: str,
        clock: Clock,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`name`: of one that is new here. `wall_clock`: this computer's, whatever is rehearsed."""
        self._session = session
        self._me = workstation_id
        self._name = name
        self._version = version
        self._clock = clock
        self._wall_clock = wall_clock
        self._ahead: float | None = None

    @property
    def this_one(self) -> str:
        return self._me

    async def workstations(self) -> Sequence[Workstation]:
        found = await self._session.ask(lambda connection: connection.execute(_ALL).fetchall())
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

        def work(connection: OwnConnection) -> bool:
            if not connection.execute(_IS_THERE, values).rowcount:
                raise NotFound("That workstation is not there any more.", "Look at the list again.")
            with connection.transaction():
                changed = [connection.execute(each, values).rowcount for each in statements]
            return bool(changed[-1])

        return await self._session.ask(work)

    # ── being on ──────────────────────────────────────────────────────────────────────────────

    async def stay_on(self, feed_address: Callable[[], str]) -> None:
        first, failing = True, False
        try:
            while True:
                try:
                    await self._beat(feed_address(), first=first)
                    first = failing = False
                except CompanionError as error:
                    if not failing:
                        log.warning("this workstation is not seen: %s", type(error).__name__)
                    failing = True
                await self._clock.sleep(BEAT_EVERY)
        finally:
            with suppress(CompanionError):
                await self._session.ask(
                    lambda connection: connection.execute(_OFF, {"me": self._me})
                )

    async def _beat(self, feed_address: str, *, first: bool) -> None:
        def ask(connection: OwnConnection, query: str, values: Mapping[str, Any]) -> None:
            before = self._wall_clock()
            row = connection.execute(query, values).fetchone()
            after = self._wall_clock()
            if row is not None:
                self._ahead = ((before - row[0]) + (after - row[0])).total_seconds() / 2

        def work(connection: OwnConnection) -> None:
            if self._ahead is None:
                ask(connection, "SELECT clock_timestamp()", {})
            ask(
                connection,
                _BEAT,
                {
                    "me": self._me,
                    "name": self._name,
                    "version": self._version,
                    "feed": feed_address,
                    "ahead": self._ahead,
                    "first": first,
                },
            )

        await self._session.ask(work)


def _workstation(row: Sequence[Any]) -> Workstation:
    (
        workstation_id,
        name,
        version,
        joined_at,
        seen_at,
        is_on,
        started_at,
        feed_address,
        ahead,
        keeps,
        since,
    ) = row
    on_since = _aware(started_at) if is_on else None
    return Workstation(
        id=workstation_id,
        name=name,
        version=version,
        joined_at=_aware(joined_at),
        seen_at=_aware(seen_at),
        on=bool(is_on),
        keeps_calendars=bool(keeps),
        since=_aware(since) if keeps else on_since,
        feed_address=feed_address,
        clock_ahead=timedelta(seconds=ahead),
    )


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
