"""Turns among processes, where there is only one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FreeLocks:
    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        yield
