"""The lock under which one process at a time works on a practitioner's calendar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from companion.services.sync.snapshot import SyncParts


@asynccontextmanager
async def calendar_lock(parts: SyncParts, practitioner_id: str) -> AsyncIterator[None]:
    """Where the one before was not released an audit is due from then on, whatever becomes of this
    one. Raises Busy, DatabaseAway."""
    async with parts.locks.hold(f"sync-{practitioner_id}") as lock:
        if lock.abandoned:
            await _to_the_end(_want_audit(parts, practitioner_id))
        yield


async def _want_audit(parts: SyncParts, practitioner_id: str) -> None:
    await parts.ledger.edit_state(practitioner_id, lambda state: replace(state, audit_due=True))


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Also where the task is cancelled: released in order, the lock shows nothing any more."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
