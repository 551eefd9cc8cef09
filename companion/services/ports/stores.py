"""The stores of one home's database, together."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from companion.services.ports.book import AppointmentBook
from companion.services.ports.feeds import FeedStore
from companion.services.ports.ledger import ActivityLog, Ledger


class Stores(Protocol):
    """One database."""

    @property
    def book(self) -> AppointmentBook: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def feeds(self) -> FeedStore: ...

    @property
    def activity(self) -> ActivityLog: ...

    async def integrity(self) -> str:
        """``ok``, or the first problem found. Raises StoreDamaged."""
        ...

    async def backup_to(self, path: Path) -> None:
        """A copy as of now; written completely or not at all."""
        ...

    async def check_copy(self, path: Path) -> int:
        """Open a copy of such a database, of this program's revision, and read all of it; the
        number of its appointments. Raises StoreDamaged."""
        ...
