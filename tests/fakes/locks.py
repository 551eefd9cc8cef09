"""Locks among processes, where there is only one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from companion.services.sync.snapshot import OwnedLock


class FreeLocks:
    @asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[OwnedLock]:
        yield OwnedLock()

    async def ensure(self) -> None:
        return

    def hold_for(self, call: asyncio.Future[Any]) -> bool:
        return False

    async def holder(self, name: str) -> str:
        return ""
