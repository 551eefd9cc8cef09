"""The three kinds of stores that the suites of book, ledger, feeds and activity run on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from companion.adapters.database import open_database
from companion.adapters.database.opening_practice import open_practice_database
from companion.services.ports import ActivityLog, AppointmentBook, FeedStore, Ledger
from tests.fakes.clock import FakeClock
from tests.fakes.practice_database import practice_server
from tests.fakes.stores import MemoryStores

KINDS = (
    "memory",
    "database",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    book: AppointmentBook
    ledger: Ledger
    feeds: FeedStore
    activity: ActivityLog


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[Stores]:
    if kind == "memory":
        memory = MemoryStores()
        yield Stores(
            book=memory.book, ledger=memory.ledger, feeds=memory.feeds, activity=memory.activity
        )
        return
    with ExitStack() as stack:
        if kind == "postgresql":
            url = stack.enter_context(practice_server().new_database())
            database = open_practice_database(url, FakeClock())
        else:
            database = open_database(f"sqlite:///{folder / 'book.db'}", FakeClock())
        try:
            yield Stores(
                book=database.book,
                ledger=database.ledger,
                feeds=database.feeds,
                activity=database.activity,
            )
        finally:
            await database.close()
