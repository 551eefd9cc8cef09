"""LockTable: the rows by which all workstations of a practice lock a name for one of them.

A lock is free where its time is over, by the clock of the database. Taking and releasing it raise
its token, so that nothing written under an earlier one is accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from companion.adapters.database.dedicated_connection import DedicatedConnection
from companion.adapters.database.dedicated_session import DedicatedSession
from companion.adapters.database.lease_session import NOW

HELD_SECONDS = 15.0
_UNTIL = f"{NOW} + interval '{int(HELD_SECONDS * 1000)} ms'"

_TAKE = f"""
WITH before AS (SELECT workstation_id FROM turns WHERE name = %(name)s::text)
INSERT INTO turns (name, token, workstation_id, until)
VALUES (%(name)s::text, 1, %(me)s::text, {_UNTIL})
ON CONFLICT (name) DO UPDATE
SET token = turns.token + 1, workstation_id = %(me)s::text, until = {_UNTIL}
WHERE turns.until <= {NOW} OR turns.token = %(mine)s
RETURNING token, (SELECT workstation_id FROM before)
"""  # noqa: S608 - constants of this module
_RENEW = f"""
WITH mine AS (
    SELECT name, token FROM unnest(%(names)s::text[], %(tokens)s::bigint[]) AS m(name, token)
), free AS (
    SELECT turns.name FROM turns JOIN mine USING (name, token)
    FOR NO KEY UPDATE OF turns SKIP LOCKED
), kept AS (
    UPDATE turns SET until = {_UNTIL} FROM free WHERE turns.name = free.name RETURNING turns.name
)
SELECT mine.name, kept.name IS NOT NULL, turns.token IS NOT DISTINCT FROM mine.token
FROM mine LEFT JOIN kept ON kept.name = mine.name LEFT JOIN turns ON turns.name = mine.name
"""  # noqa: S608
_RELEASE = f"""
UPDATE turns SET token = token + 1, workstation_id = '', until = {NOW}
WHERE name = %(name)s AND token = %(token)s
"""  # noqa: S608
_HOLDER = f"""
SELECT turns.workstation_id, coalesce(workstations.name, '')
FROM turns LEFT JOIN workstations ON workstations.id = turns.workstation_id
WHERE turns.name = %(name)s AND turns.until > {NOW} AND turns.workstation_id <> ''
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class TakenLock:
    token: int
    abandoned: bool


def taken(token: int, before: str | None, mine: int) -> TakenLock:
    """`before`: which workstation had it and did not release it; `mine`: as for `take`."""
    return TakenLock(token, abandoned=bool(before) and token != mine + 1)


@dataclass(frozen=True, slots=True)
class RenewedLocks:
    """What is in neither is being written under just now, and is to be tried again soon."""

    kept: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LockHolder:
    workstation_id: str
    name: str
    """As people call it; empty for one that is not known."""


class LockTable(Protocol):
    """Every method raises DatabaseAway."""

    me: str
    """Id of this workstation."""

    async def take(self, name: str, mine: int) -> TakenLock | None:
        """None while another has it. `mine`: a token under which it may be taken all the same."""
        ...

    async def renew(self, locks: Sequence[tuple[str, int]]) -> RenewedLocks:
        """Names and tokens."""
        ...

    async def release(self, name: str, token: int) -> None: ...

    async def holder(self, name: str) -> LockHolder | None: ...


class PostgresLockTable:
    def __init__(self, session: DedicatedSession, workstation_id: str) -> None:
        self._session = session
        self.me = workstation_id

    async def take(self, name: str, mine: int) -> TakenLock | None:
        def work(connection: DedicatedConnection) -> TakenLock | None:
            values = {"name": name, "me": self.me, "mine": mine}
            row = connection.execute(_TAKE, values).fetchone()
            return taken(int(row[0]), row[1], mine) if row else None

        return await self._session.ask(work)

    async def renew(self, locks: Sequence[tuple[str, int]]) -> RenewedLocks:
        def work(connection: DedicatedConnection) -> RenewedLocks:
            values = {"names": [name for name, _ in locks], "tokens": [token for _, token in locks]}
            rows = connection.execute(_RENEW, values).fetchall()
            return RenewedLocks(
                kept=frozenset(name for name, kept, _ in rows if kept),
                lost=frozenset(name for name, _, same in rows if not same),
            )

        return await self._session.ask(work)

    async def release(self, name: str, token: int) -> None:
        await self._session.ask(
            lambda connection: connection.execute(_RELEASE, {"name": name, "token": token})
        )

    async def holder(self, name: str) -> LockHolder | None:
        def work(connection: DedicatedConnection) -> LockHolder | None:
            row = connection.execute(_HOLDER, {"name": name}).fetchone()
            return LockHolder(str(row[0]), str(row[1])) if row else None

        return await self._session.ask(work)
