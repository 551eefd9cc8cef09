"""Processes of several workstations in one test: each with its hub, its stores and its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import URL

from companion.adapters.database.database import Database
from companion.adapters.database.hub import LOOK_SECONDS, Hub
from companion.adapters.database.opening_practice import hub_of, open_practice_database
from companion.adapters.database.settings import DatabaseSettings
from companion.services.changes import Change, Changes
from tests.fakes.clock import FakeClock
from tests.fakes.database_servers import connection_to


@dataclass(frozen=True, kw_only=True)
class Beside:
    changes: Changes
    hub: Hub
    database: Database
    settings: DatabaseSettings
    heard: list[Change] = field(default_factory=list)
    """What was published here."""


@asynccontextmanager
async def beside(url: URL, *, look_seconds: float = LOOK_SECONDS) -> AsyncIterator[Beside]:
    changes = Changes()
    async with AsyncExitStack() as stack:
        hub = hub_of(url, changes, look_seconds=look_seconds)
        database = open_practice_database(url, FakeClock(), changes=changes, hub=hub)
        stack.push_async_callback(database.close)
        settings = await DatabaseSettings.open(
            database.access, changes=changes, announce=hub.announce
        )
        stack.push_async_callback(hub.close)
        await hub.start(settings.renew)
        made = Beside(changes=changes, hub=hub, database=database, settings=settings)
        changes.subscribe(made.heard.append)
        yield made


def end_hubs(url: URL) -> int:
    """The server ends the hubs' connections; how many there were."""
    with connection_to(url) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE '%hub'"
        )
        return len(ended.fetchall())
