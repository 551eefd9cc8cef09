"""PostgresServer: the server of a shared practice, as the doctor looks at it.

Each examination has a connection of its own, so it finds what a new workstation would find. What
the program has to do is tried, in a transaction that is rolled back.
"""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from companion.adapters.database.dedicated_connection import (
    connect_dedicated,
    translating_driver_errors,
)
from companion.adapters.database.postgres_connection import OLDEST_SERVER
from companion.adapters.database.schema import metadata
from companion.adapters.database.why_away import explaining
from companion.services.ports import ServerFacts

_ASKED = 5
"""Times, for the latency."""
_TRIED = 0x0CA1_D0C7
"""An advisory lock that nothing else uses."""
_DONE = {"SELECT": "read", "INSERT": "add to", "UPDATE": "change", "DELETE": "remove from"}


class PostgresServer:
    """A `DatabaseServer`."""

    def __init__(
        self,
        url: URL,
        *,
        reachable: Callable[[], bool] = lambda: True,
        silent_for: Callable[[], float] = lambda: 0.0,
        disk_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._url = url
        self._reachable = reachable
        self._silent_for = silent_for
        self._disk_full = disk_full

    @property
    def reachable(self) -> bool:
        return self._reachable()

    @property
    def silent_for(self) -> float:
        return self._silent_for()

    @property
    def disk_full(self) -> bool:
        return self._disk_full()

    async def examine(self) -> ServerFacts:
        def look() -> ServerFacts:
            with explaining(self._url):
                return examine(self._url)

        return await asyncio.to_thread(look)


def examine(url: URL) -> ServerFacts:
    """Blocks for a moment. Raises CompanionError."""
    with translating_driver_errors(), connect_dedicated(url, name="doctor") as connection:
        return _facts(connection)


def _facts(connection: psycopg.Connection[Any]) -> ServerFacts:
    info = connection.info
    latency, ahead = _measured(connection)
    number = info.server_version
    return ServerFacts(
        address=info.host if info.host.startswith("/") else f"{info.host}:{info.port}",
        version=f"{number // 10_000}.{number % 10_000}",
        supported=number >= OLDEST_SERVER * 10_000,
        latency=latency,
        local=_is_local(info),
        encrypted=_encryption(connection),
        sslmode=_sslmode(connection),
        pooled=_first(connection, "SELECT pg_backend_pid()") != info.backend_pid,
        refused=tuple(_refused(connection)),
        size=int(_first(connection, "SELECT pg_database_size(current_database())") or 0),
        free=_free(connection) if _is_local(info) else None,
        ahead=ahead,
    )


def _measured(connection: psycopg.Connection[Any]) -> tuple[timedelta, timedelta]:
    """Of a few questions: the usual latency, and the clocks' difference by the quickest."""
    seen = []
    for _ in range(_ASKED):
        begun, asked = time.perf_counter(), datetime.now(UTC)
        there = _first(connection, "SELECT clock_timestamp()")
        took = timedelta(seconds=time.perf_counter() - begun)
        seen.append((took, asked + took / 2 - there))
    usual = statistics.median(took.total_seconds() for took, _ in seen)
    return timedelta(seconds=usual), min(seen)[1]


def _is_local(info: psycopg.ConnectionInfo) -> bool:
    if info.host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(info.hostaddr or info.host).is_loopback
    except ValueError:
        return False


def _encryption(connection: psycopg.Connection[Any]) -> str:
    """This computer's end decides: behind a pooler the server sees another connection."""
    if connection.pgconn.ssl_in_use:
        version = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        return _first(connection, version) or "TLS"
    kerberos = "SELECT encrypted FROM pg_stat_gssapi WHERE pid = pg_backend_pid()"
    return "GSSAPI" if _first(connection, kerberos) else ""


def _sslmode(connection: psycopg.Connection[Any]) -> str:
    """As it is in force, whether the address or a variable says so."""
    found = {each.keyword: each.val for each in connection.pgconn.info}
    return (found.get(b"sslmode") or b"").decode()


def _free(connection: psycopg.Connection[Any]) -> int | None:
    """Only where the folder is that server's, as one at this end of a tunnel is not; most users may
    not look into it."""
    with suppress(psycopg.errors.InsufficientPrivilege, OSError), connection.transaction():
        data = Path(_first(connection, "SHOW data_directory"))
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
        if lines[3:4] == [str(connection.info.port)]:
            return shutil.disk_usage(data).free
    return None


def _refused(connection: psycopg.Connection[Any]) -> list[str]:
    """In words that follow "may not"."""
    found = []
    if _first(connection, "SELECT pg_is_in_recovery()") or (
        _first(connection, "SHOW default_transaction_read_only") == "on"
    ):
        found.append("write at all (the database is set to be read only)")
    tables = [table.name for table in metadata.sorted_tables]
    for right, done in _DONE.items():
        missing = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL"
                " AND NOT has_table_privilege(to_regclass(name), %s)",
                [tables, right],
            )
        ]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            found.append(f"{done} the table {missing[0]}{more}")
    owned = _first(
        connection,
        "SELECT bool_and(pg_has_role(c.relowner, 'USAGE')) FROM pg_class c"
        " JOIN unnest(%s::text[]) AS name ON c.oid = to_regclass(name)",
        [tables],
    )
    creates = _first(
        connection, "SELECT has_schema_privilege(coalesce(current_schema(), 'public'), 'CREATE')"
    )
    if owned is False or not creates:
        found.append("change the tables, as an update has to")
    if not _first(connection, "SELECT has_database_privilege(current_database(), 'TEMPORARY')"):
        found.append("keep the pace of calls to Google (grant TEMPORARY on the database)")
    for tried, words in (
        (
            f"SELECT pg_advisory_xact_lock({_TRIED})",
            "take the lock of the one that keeps calendars",
        ),
        ("LISTEN companion_doctor", "listen for the changes of other workstations"),
        ("NOTIFY companion_doctor", "tell other workstations of changes"),
    ):
        if not _may(connection, tried):
            found.append(words)
    return found


def _may(connection: psycopg.Connection[Any], statement: str) -> bool:
    with (
        suppress(psycopg.errors.InsufficientPrivilege),
        connection.transaction(force_rollback=True),
    ):
        connection.execute(statement.encode())
        return True
    return False


def _first(
    connection: psycopg.Connection[Any], statement: str, values: list[Any] | None = None
) -> Any:
    row = connection.execute(statement.encode(), values).fetchone()
    return None if row is None else row[0]
