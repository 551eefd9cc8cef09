"""Coordination: what keeps the workstations of one practice out of each other's way, together."""

from __future__ import annotations

from sqlalchemy import URL

from companion.adapters.database.fence import TurnFence
from companion.adapters.database.lease import SessionLease
from companion.adapters.database.lease_session import PostgresLeaseSession
from companion.adapters.database.own_session import OwnSession
from companion.adapters.database.turn_table import PostgresTurnTable
from companion.adapters.database.turns import PracticeTurns
from companion.adapters.database.workstations import PracticeWorkstations
from companion.services.ports import Clock


class Coordination:
    """Of one process. `fence` is for the database that the process opens."""

    def __init__(self, url: URL, workstation_id: str, *, version: str, clock: Clock) -> None:
        """Connects when something is first asked; the lease, when it is first sought."""
        self._session = OwnSession(url, name="turns")
        self.fence = TurnFence()
        self.turns = PracticeTurns(PostgresTurnTable(self._session, workstation_id), clock=clock)
        self.lease = SessionLease(lambda: PostgresLeaseSession(url, workstation_id), clock=clock)
        self.workstations = PracticeWorkstations(
            self._session, workstation_id, version=version, clock=clock
        )

    async def close(self) -> None:
        """What was left to others is given back first."""
        await self.turns.close()
        self._session.close()
