"""Coordination: what keeps the workstations of one practice out of each other's way, together."""

from __future__ import annotations

from sqlalchemy import URL

from companion.adapters.database.dedicated_session import DedicatedSession
from companion.adapters.database.fencing import TokenFencing
from companion.adapters.database.lease import SessionLease
from companion.adapters.database.lease_session import PostgresLeaseSession
from companion.adapters.database.lock_table import PostgresLockTable
from companion.adapters.database.named_locks import PracticeLocks
from companion.adapters.database.workstations import PostgresWorkstations
from companion.services.ports import Clock


class Coordination:
    """Of one process. `fencing` is for the database that the process opens."""

    def __init__(self, url: URL, workstation_id: str, *, version: str, clock: Clock) -> None:
        """Connects when something is first asked; the lease, when it is first sought."""
        self._session = DedicatedSession(url, name="locks")
        self.fencing = TokenFencing()
        self.locks = PracticeLocks(PostgresLockTable(self._session, workstation_id), clock=clock)
        self.lease = SessionLease(lambda: PostgresLeaseSession(url, workstation_id), clock=clock)
        self.workstations = PostgresWorkstations(
            self._session, workstation_id, version=version, clock=clock
        )

    async def close(self) -> None:
        """What was left to others is given back first."""
        await self.locks.close()
        self._session.close()
