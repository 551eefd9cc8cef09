"""A database on either engine, for tests of what must not tell them apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from companion.adapters.database import open_database
from companion.adapters.database.database import Database
from companion.adapters.database.opening_practice import open_practice_database
from companion.services.changes import Changes
from tests.fakes.clock import FakeClock
from tests.fakes.practice_database import practice_server


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[URL]:
    """With our tables; `kind`: "postgresql", or "database" for a file in `folder`."""
    if kind == "postgresql":
        with practice_server().new_database() as url:
            yield url
    else:
        url = URL.create("sqlite", database=str(folder / "book.db"))
        opened_database(url)._access.close()
        yield url


def opened_database(url: URL, *, changes: Changes | None = None) -> Database:
    """One workstation's."""
    if url.get_backend_name() == "postgresql":
        return open_practice_database(url, FakeClock(), changes=changes)
    return open_database(Path(str(url.database)), FakeClock(), changes=changes, busy_seconds=60)
