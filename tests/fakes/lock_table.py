"""The rows of locks in memory, as several workstations see them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from companion.adapters.database.lock_table import (
    HELD_SECONDS,
    LockHolder,
    RenewedLocks,
    TakenLock,
    taken,
)
from companion.domain.practice_errors import DatabaseAway
from tests.fakes.clock import FakeClock


@dataclass
class LockRow:
    token: int
    workstation: str
    until: float


@dataclass
class MemoryLockTable:
    """Of one workstation; `rows` are shared with the others."""

    me: str
    clock: FakeClock
    rows: dict[str, LockRow] = field(default_factory=dict)
    away: bool = False
    asked: int = 0

    def of(self, workstation: str) -> MemoryLockTable:
        """The same rows, from another workstation."""
        return MemoryLockTable(workstation, self.clock, self.rows)

    async def take(self, name: str, mine: int) -> TakenLock | None:
        await self._ask()
        now, row = self.clock.monotonic(), self.rows.get(name)
        if row is not None and row.until > now and row.token != mine:
            return None
        before = row or LockRow(0, "", now)
        self.rows[name] = LockRow(before.token + 1, self.me, now + HELD_SECONDS)
        return taken(before.token + 1, before.workstation, mine)

    async def renew(self, turns: Sequence[tuple[str, int]]) -> RenewedLocks:
        await self._ask()
        mine = {name for name, token in turns if self.rows[name].token == token}
        for name in mine:
            self.rows[name].until = self.clock.monotonic() + HELD_SECONDS
        return RenewedLocks(frozenset(mine), frozenset(name for name, _ in turns) - mine)

    async def release(self, name: str, token: int) -> None:
        await self._ask()
        if self.rows[name].token == token:
            self.rows[name] = LockRow(token + 1, "", self.clock.monotonic())

    async def holder(self, name: str) -> LockHolder | None:
        await self._ask()
        row = self.rows.get(name)
        if row is None or not row.workstation or row.until <= self.clock.monotonic():
            return None
        return LockHolder(row.workstation, row.workstation.title())

    async def _ask(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise DatabaseAway
