"""Fencing: a process whose lock was given to another writes nothing any more.

A lock has a fencing token, which rises with each that takes it. What is written under a lock (to a
ledger, a state, the book) asks in its own transaction for that token, and keeps the lock's row
until the commit: whoever takes the lock over waits for it, and reads what was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, select

from companion.adapters.database.schema import turns
from companion.domain.errors import Busy
from companion.domain.practice_errors import Overtaken

Check = Callable[[Connection], None]
"""A statement of the transaction. Raises Overtaken."""

_MINE = (
    select(turns.c.token)
    .where(turns.c.name == bindparam("mine"), turns.c.token == bindparam("number"))
    .with_for_update(read=True)
)


@dataclass(eq=False, slots=True, kw_only=True)
class HeldLock:
    """One lock, from when it was taken until it is given back or lost."""

    name: str
    token: int
    until: float
    """By the steady clock: as proved last."""
    abandoned: bool = False
    """Whoever had it before did not give it back."""
    lost: bool = False
    ended: bool = False
    """It was given back in order."""
    calls: list[asyncio.Future[Any]] = field(default_factory=list)
    """That may not have ended when it is left."""
    writing: int = 0
    written: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing is being written."""

    def check(self, connection: Connection) -> None:
        found = connection.execute(_MINE, {"mine": self.name, "number": self.token})
        if found.scalar_one_or_none() is None:
            self.lost = not self.ended
            raise Overtaken


current_lock: ContextVar[HeldLock | None] = ContextVar("current_lock", default=None)
"""Of the task, and of those that it starts."""


class Fencing(Protocol):
    def writing(self, practitioner_id: str) -> Any:
        """A context whose value is the `Check` of a write to that practitioner's ledger."""
        ...

    def editing(self, *, even_overtaken: bool) -> Any:
        """The same for any other write that belongs to the lock."""
        ...


class NoFencing:
    """Of a home, whose locks are locks of files."""

    @asynccontextmanager
    async def writing(self, practitioner_id: str) -> AsyncIterator[Check]:
        del practitioner_id
        yield _unchecked

    @asynccontextmanager
    async def editing(self, *, even_overtaken: bool) -> AsyncIterator[Check]:
        del even_overtaken
        yield _unchecked


class TokenFencing:
    """Of a practice that several workstations share."""

    @asynccontextmanager
    async def writing(self, practitioner_id: str) -> AsyncIterator[Check]:
        """Raises Busy outside of that practitioner's lock."""
        lock = current_lock.get()
        if lock is None or lock.ended or lock.name != f"sync-{practitioner_id}":
            raise Busy(detail="a ledger is written in its practitioner's lock only")
        async with _counted(lock):
            yield lock.check

    @asynccontextmanager
    async def editing(self, *, even_overtaken: bool) -> AsyncIterator[Check]:
        lock = current_lock.get()
        if lock is None or lock.ended or even_overtaken:
            yield _unchecked
            return
        async with _counted(lock):
            yield lock.check


def _unchecked(_: Connection) -> None:
    return


@asynccontextmanager
async def _counted(lock: HeldLock) -> AsyncIterator[None]:
    lock.writing += 1
    lock.written.clear()
    try:
        yield
    finally:
        lock.writing -= 1
        if not lock.writing:
            lock.written.set()
