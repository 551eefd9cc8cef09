"""LeaseSession: what one session of the server asks of the lease, one statement at a time.

The lease is a lock of the session: it ends with it, however that ends. The row beside the lock says
who has it, raises its term with each that takes it, and is the proof of it: it is written every few
seconds, by the session that has the lock. A session that asks nothing for longer than the lease
lasts is ended by the server, which so frees the lock of a computer that sleeps, hangs or lost its
cable, whatever stands in between.

Whom a person wants to keep the calendars is `wanted_by`. While that workstation is on, the others
leave the lease to it for some seconds; whoever takes it then settles the matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import URL

from companion.adapters.database.dedicated_connection import (
    connect_dedicated,
    translating_driver_errors,
)

LEASE = 0x0CA1_0003
"""The advisory lock."""
_GRACE = 10
"""Seconds for which others leave the lease to the workstation that a person chose."""
ON_SECONDS = 20
"""A workstation that was seen within them, and has not said that it stops, is on."""
NOW = "timezone('UTC', clock_timestamp())"
IS_ON = f"started_at IS NOT NULL AND seen_at > {NOW} - interval '{ON_SECONDS} s'"

_SEEK = f"""
SELECT CASE WHEN EXISTS (
    SELECT FROM lease JOIN workstations ON workstations.id = wanted_by
    WHERE wanted_by <> %(me)s::text AND {IS_ON} AND renewed_at > {NOW} - interval '{_GRACE} s'
) THEN false ELSE pg_try_advisory_lock({LEASE}) END
"""  # noqa: S608 - constants of this module
_FIRST = f"""
INSERT INTO lease (id, term, workstation_id, since, renewed_at, released, wanted_by)
VALUES (1, 0, '', {NOW}, {NOW}, true, '') ON CONFLICT (id) DO NOTHING
"""  # noqa: S608
_TAKE = f"""
UPDATE lease SET
    term = lease.term + 1, workstation_id = %(me)s::text, since = {NOW}, renewed_at = {NOW},
    released = false,
    wanted_by = CASE
        WHEN lease.wanted_by = %(me)s::text THEN ''
        WHEN EXISTS (SELECT FROM workstations WHERE id = lease.wanted_by AND {IS_ON}) THEN ''
        ELSE lease.wanted_by END
FROM (SELECT id, released, term FROM lease WHERE id = 1 FOR UPDATE) AS before
WHERE lease.id = before.id RETURNING lease.term, before.released
"""  # noqa: S608
_RENEW = f"""
UPDATE lease SET renewed_at = {NOW}
WHERE id = 1 AND term = %(term)s AND EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
    AND classid = 0 AND objid = {LEASE} AND objsubid = 1
) RETURNING wanted_by <> %(me)s::text AND EXISTS (
    SELECT FROM workstations WHERE workstations.id = wanted_by AND {IS_ON}
)
"""  # noqa: S608
_RELEASE = f"""
UPDATE lease SET released = true, renewed_at = {NOW} WHERE id = 1 AND term = %(term)s
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTiming:
    """Seconds; tests go faster."""

    lease: float = 15.0
    """A renewal holds for so long, and a session that asks nothing lasts so long."""
    renew: float = 3.0
    seek: float = 2.0
    retry: float = 1.0
    hand_over: float = 2.0
    """For what the holder had begun, before another may begin."""

    @property
    def take_over(self) -> float:
        """For which a new holder waits where the last one gave nothing up; clocks run unevenly."""
        return self.lease * 16 / 15


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    term: int
    in_order: bool
    """Whoever had it before gave it up, so it does nothing any more."""


@dataclass(frozen=True, slots=True)
class LeaseRenewal:
    held: bool
    wanted: bool = False
    """By another workstation, which is on."""


class LeaseSession(Protocol):
    """Blocks; every method raises DatabaseAway, after which only `close` may be called."""

    def seek(self) -> bool:
        """Try to get the lock. Not to be called again once it is got."""
        ...

    def take(self) -> LeaseTaken:
        """Write down that this workstation has it, once the lock is got."""
        ...

    def renew(self, term: int) -> LeaseRenewal: ...

    def release(self, term: int) -> None:
        """Let others have it, now."""
        ...

    def close(self) -> None:
        """Raises nothing."""
        ...


OpenSession = Callable[[], LeaseSession]


class PostgresLeaseSession:
    def __init__(self, url: URL, workstation_id: str, timing: LeaseTiming | None = None) -> None:
        """Connects. Raises DatabaseAway, StoreError."""
        idle = (timing or LeaseTiming()).lease
        self._me = workstation_id
        self._connection = connect_dedicated(url, name="lease", idle_seconds=idle)

    def seek(self) -> bool:
        with translating_driver_errors():
            row = self._connection.execute(_SEEK, {"me": self._me}).fetchone()
        return bool(row and row[0])

    def take(self) -> LeaseTaken:
        with translating_driver_errors(), self._connection.transaction():
            self._connection.execute(_FIRST)
            row = self._connection.execute(_TAKE, {"me": self._me}).fetchone()
        return LeaseTaken(int(row[0]), bool(row[1])) if row else LeaseTaken(0, in_order=False)

    def renew(self, term: int) -> LeaseRenewal:
        with translating_driver_errors():
            row = self._connection.execute(_RENEW, {"me": self._me, "term": term}).fetchone()
        return LeaseRenewal(held=row is not None, wanted=bool(row and row[0]))

    def release(self, term: int) -> None:
        with translating_driver_errors():
            self._connection.execute(_RELEASE, {"term": term})
            self._connection.execute("SELECT pg_advisory_unlock(%s)", [LEASE])

    def close(self) -> None:
        self._connection.close()
