"""DedicatedSession: one connection and one thread of its own, for small questions that must not
queue behind the work of the pools. It connects when it is first asked, and again after an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL

from companion.adapters.database.dedicated_connection import (
    DedicatedConnection,
    connect_dedicated,
    translating_driver_errors,
)
from companion.domain.practice_errors import DatabaseAway
from companion.services.threads import Threads

Result = TypeVar("Result")


class DedicatedSession:
    def __init__(self, url: URL, *, name: str) -> None:
        """`name`: as the server shows it."""
        self._url = url
        self._name = name
        self._connection: DedicatedConnection | None = None
        self._threads: Threads[None] = Threads(
            lambda: None, end=lambda _: self._disconnect(), size=1, name=name
        )

    async def ask(self, work: Callable[[DedicatedConnection], Result]) -> Result:
        """`work` in autocommit. Where the connection turns out to be gone it is done once more on a
        new one, so it must not mind being done twice. Raises DatabaseAway, Busy, StoreError."""
        return await self._threads.run(lambda _: self._ask(work))

    def close(self) -> None:
        """Work that was asked for is done first."""
        self._threads.close()

    def _ask(self, work: Callable[[DedicatedConnection], Result]) -> Result:
        known = self._connection is not None
        try:
            return self._once(work)
        except DatabaseAway:
            if not known:
                raise
        return self._once(work)

    def _once(self, work: Callable[[DedicatedConnection], Result]) -> Result:
        if self._connection is None:
            self._connection = connect_dedicated(self._url, name=self._name)
        try:
            with translating_driver_errors():
                return work(self._connection)
        except DatabaseAway:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
