"""A connection to the practice's PostgreSQL server that belongs to one owner, never to a pool.

Every statement is over within `PATIENCE`, also where the network has gone silent: then it raises,
and the connection is closed. It blocks, so it belongs to a thread.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL

from companion.adapters.database.postgres import given_by
from companion.adapters.database.postgres_connection import OLDEST_SERVER
from companion.adapters.database.postgres_errors import of_postgresql
from companion.domain.practice_errors import DatabaseAway

Result = TypeVar("Result")
PATIENCE = 4.0
"""Seconds for one statement."""
_LOOKS = 0.1
"""Seconds between looks at whether the patience is over."""
_SESSION = (
    "SET TIME ZONE 'UTC'",
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    "SET tcp_user_timeout = 20000",
    f"SET statement_timeout = {int(PATIENCE * 1000)}",
    f"SET lock_timeout = {int(PATIENCE * 500)}",
    f"SET idle_in_transaction_session_timeout = {int(PATIENCE * 1000)}",
)


class DedicatedConnection(psycopg.Connection[tuple[Any, ...]]):
    def wait(self, gen: Generator[Any, Any, Result], *_: Any, **__: Any) -> Result:
        """As psycopg's, but not for ever."""
        return super().wait(_bounded(gen, time.monotonic() + PATIENCE), _LOOKS)


def _bounded(gen: Generator[Any, Any, Result], until: float) -> Generator[Any, Any, Result]:
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > until:
                raise psycopg.OperationalError("no answer in time")
            wanted = gen.send(ready)
    except StopIteration as done:
        result: Result = done.value
        return result


def connect_dedicated(url: URL, *, name: str, idle_seconds: float = 0.0) -> DedicatedConnection:
    """A session in autocommit, `name` as the server shows it. It ends by itself where nothing was
    asked for `idle_seconds`; 0 for never. Raises DatabaseAway, StoreError."""
    with translating_driver_errors():
        return _connected(url, name, idle_seconds)


def _connected(url: URL, name: str, idle_seconds: float) -> DedicatedConnection:
    connection = DedicatedConnection.connect(
        **{**given_by(url), "application_name": f"Calendar Companion {name}"},
        autocommit=True,
        prepare_threshold=None,
    )
    try:
        for statement in _SESSION:
            connection.execute(statement)
        if connection.info.server_version >= OLDEST_SERVER * 10_000:  # the doctor names older ones
            connection.execute(
                "SELECT set_config('idle_session_timeout', %s, false)",
                [str(int(idle_seconds * 1000))],
            )
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translating_driver_errors() -> Iterator[None]:
    """Raises DatabaseAway where the server does not answer, StoreError where it refuses, Busy where
    others kept a row for too long."""
    try:
        yield
    except psycopg.InterfaceError as error:  # the connection was closed
        raise DatabaseAway(detail=type(error).__name__) from error
    except psycopg.Error as error:
        raise of_postgresql(error) from None
