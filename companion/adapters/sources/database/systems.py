"""DatabaseSystem: what differs between the database systems that a practice may have.

Each is asked in a transaction that only reads, as far as it has such: PostgreSQL, MySQL, MariaDB
and Firebird refuse every change in it; SQLite is opened read-only. SQL Server has none: there the
words of the query are looked at (in its language the forbidden ones cannot be anything else unless
they are quoted), and nothing is ever committed. A login that may only read is advised for each.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from companion.adapters.sources.database.statement import Grammar, Statement
from companion.domain.errors import BadInput

_QUIET = "source"
logging.getLogger(f"{NullPool.__module__}.{NullPool.__name__}.{_QUIET}").disabled = True
"""SQLAlchemy would log what a connection says that was broken off on purpose."""
CONNECT = 15
"""Seconds for signing in."""
LOCKED = 15
"""Seconds for which a table that somebody locks is waited for."""
_WRITING = frozenset({
    "ALTER", "BACKUP", "BEGIN", "BULK", "CHECKPOINT", "COMMIT", "CREATE", "DBCC", "DELETE", "DENY",
    "DROP", "EXEC", "EXECUTE", "GRANT", "INSERT", "INTO", "KILL", "MERGE", "OPENDATASOURCE",
    "OPENQUERY", "OPENROWSET", "RECONFIGURE", "RESTORE", "REVERT", "REVOKE", "ROLLBACK", "SAVE",
    "SET", "SHUTDOWN", "TRAN", "TRANSACTION", "TRUNCATE", "UPDATE", "UPDATETEXT", "USE", "WAITFOR",
    "WRITETEXT",
})  # fmt: skip
"""Reserved words of SQL Server with which something is done but reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    seconds: float
    """For the whole query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSystem:
    name: str
    """As people call it."""
    extra: str
    """Of this program's own package, which brings the driver; empty where none is needed."""
    requirement: str
    modules: tuple[str, ...]
    """Importable names of the driver."""
    drivername: str
    """SQLAlchemy's."""
    options: Callable[[Limits], Mapping[str, Any]]
    """For connecting."""
    prepare: Callable[[Connection, Limits, str], None]
    """Begins the transaction; the last is the practice's IANA zone."""
    breaker: Callable[[Connection], Callable[[], None]]
    """Gives what ends the query at the server, from another thread."""
    clock: str
    """A query for the server's local time."""
    moment: Callable[[datetime], object] = lambda value: value
    """A wall time as the driver is given it."""
    grammar: Grammar = field(default_factory=Grammar)
    words_decide: bool = False
    """There is no transaction that only reads."""

    def missing(self) -> str:
        """The first module that is not installed; empty for none."""
        return next((each for each in self.modules if not importlib.util.find_spec(each)), "")

    def check(self, statement: Statement) -> None:
        """Raises BadInput for a query that might write."""
        found = sorted(statement.words & _WRITING) if self.words_decide else []
        if found:
            raise BadInput(
                f"The query holds the word {found[0]}, so it might change the database.",
                "Give a query that only reads. A column of that name is written in brackets: "
                f"[{found[0]}].",
                field="query",
            )

    def engine(self, url: URL, limits: Limits) -> Engine:
        return create_engine(
            url,
            poolclass=NullPool,
            connect_args=dict(self.options(limits)),
            hide_parameters=True,
            pool_logging_name=_QUIET,
        )


def installing(system: DatabaseSystem) -> BadInput:
    return BadInput(
        f"{system.name} needs a driver that is not installed yet.",
        f'Install it with: "{sys.executable}" -m pip install {system.requirement}',
        field="secret",
    )


# ── PostgreSQL ────────────────────────────────────────────────────────────────────────────────


def _prepare_postgresql(connection: Connection, limits: Limits, zone: str) -> None:
    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    milliseconds = {"statement_timeout": limits.seconds, "lock_timeout": LOCKED}
    for name, seconds in milliseconds.items():
        connection.execute(
            text("SELECT set_config(:name, :value, true)"),
            {"name": name, "value": str(int(seconds * 1_000))},
        )
    with contextlib.suppress(DBAPIError), connection.begin_nested():
        connection.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": zone})


def _break_postgresql(connection: Connection) -> Callable[[], None]:
    own: Any = connection.connection.dbapi_connection
    return lambda: own.cancel_safe(timeout=5.0)


# ── MySQL, MariaDB ────────────────────────────────────────────────────────────────────────────


def _prepare_mysql(connection: Connection, limits: Limits, zone: str) -> None:
    maria = bool(getattr(connection.dialect, "is_mariadb", False))
    limit = (
        f"max_statement_time = {limits.seconds:.3f}"
        if maria
        else f"max_execution_time = {int(limits.seconds * 1_000)}"
    )
    with contextlib.suppress(DBAPIError):  # a server too old for it
        connection.exec_driver_sql(f"SET SESSION {limit}")
    with contextlib.suppress(DBAPIError):  # without tables of time zones: the server's own
        connection.execute(text("SET SESSION time_zone = :zone"), {"zone": zone})
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {LOCKED}")
    connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
    connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _break_mysql(connection: Connection) -> Callable[[], None]:
    own: Any = connection.connection.dbapi_connection
    engine, number = connection.engine, int(own.thread_id())

    def kill() -> None:
        with engine.connect() as another:
            another.exec_driver_sql(f"KILL QUERY {number}")

    return kill


# ── SQL Server ────────────────────────────────────────────────────────────────────────────────

_executing = threading.local()


def _note_socket(number: int) -> None:
    """The driver is about to wait for the server on this socket."""
    sockets: list[int] | None = getattr(_executing, "sockets", None)
    if sockets is not None:
        sockets[:] = [number]


def _prepare_sql_server(connection: Connection, _limits: Limits, _zone: str) -> None:
    """Consistent where the database keeps versions of rows; else each row as it was committed."""
    versions = connection.exec_driver_sql(
        "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()"
    ).scalar()
    connection.rollback()
    if versions == 1:
        connection.execution_options(isolation_level="SNAPSHOT")
    connection.exec_driver_sql(f"SET LOCK_TIMEOUT {LOCKED * 1_000}")


def _break_pymssql(_connection: Connection) -> Callable[[], None]:
    """The driver cannot be told to cancel by another thread, but its socket can be shut: SQL Server
    ends what a connection that is gone had asked for."""
    import pymssql

    sockets = _executing.sockets = list[int]()
    pymssql.set_wait_callback(_note_socket)

    def shut() -> None:
        while sockets:  # each once: the number may soon be another's
            shared = socket.socket(fileno=sockets.pop())
            try:
                with contextlib.suppress(OSError):
                    shared.shutdown(socket.SHUT_RDWR)
            finally:
                shared.detach()

    return shut


def _prepare_pyodbc(connection: Connection, limits: Limits, zone: str) -> None:
    own: Any = connection.connection.dbapi_connection
    own.timeout = int(limits.seconds)
    _prepare_sql_server(connection, limits, zone)


def _break_pyodbc(connection: Connection) -> Callable[[], None]:
    cursors: list[Any] = []
    event.listen(
        connection,
        "before_cursor_execute",
        lambda _connection, cursor, *_rest: cursors.append(cursor),
    )
    return lambda: cursors[-1].cancel() if cursors else None


# ── SQLite ────────────────────────────────────────────────────────────────────────────────────


def _prepare_sqlite(connection: Connection, _limits: Limits, _zone: str) -> None:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.exec_driver_sql("BEGIN")


def _break_sqlite(connection: Connection) -> Callable[[], None]:
    own: Any = connection.connection.dbapi_connection
    interrupt: Callable[[], None] = own.interrupt
    return interrupt


def sqlite_url(file: Path) -> URL:
    """Opened for reading alone."""
    return URL.create(
        "sqlite",
        database=file.absolute().as_uri(),
        query={"mode": "ro", "uri": "true"},
    )


# ── Firebird ──────────────────────────────────────────────────────────────────────────────────


def _prepare_firebird(_connection: Connection, _limits: Limits, _zone: str) -> None:
    """The driver begins each transaction as `options` says: one that reads."""


def _break_firebird(connection: Connection) -> Callable[[], None]:
    """The server ends what a connection that is gone had asked for."""
    own: Any = connection.connection.dbapi_connection
    return lambda: own.sock._sock.shutdown(socket.SHUT_RDWR)


POSTGRESQL = DatabaseSystem(
    name="PostgreSQL",
    extra="",
    requirement="psycopg psycopg-binary",
    modules=("psycopg",),
    drivername="postgresql+psycopg",
    options=lambda _: {"connect_timeout": CONNECT, "application_name": "Calendar Companion"},
    prepare=_prepare_postgresql,
    breaker=_break_postgresql,
    clock="SELECT LOCALTIMESTAMP",
    grammar=Grammar(dollars=True),
)
MYSQL = DatabaseSystem(
    name="MySQL",
    extra="mysql",
    requirement="pymysql",
    modules=("pymysql",),
    drivername="mysql+pymysql",
    options=lambda limits: {
        "connect_timeout": CONNECT,
        "read_timeout": int(limits.seconds) + 5,
        "program_name": "Calendar Companion",
    },
    prepare=_prepare_mysql,
    breaker=_break_mysql,
    clock="SELECT LOCALTIMESTAMP",
    grammar=Grammar(backslashes=True, hashes=True),
)
SQL_SERVER = DatabaseSystem(
    name="SQL Server",
    extra="sqlserver",
    requirement="pymssql",
    modules=("pymssql",),
    drivername="mssql+pymssql",
    options=lambda limits: {
        "login_timeout": CONNECT,
        "timeout": int(limits.seconds),
        "appname": "Calendar Companion",
        "read_only": True,
    },
    prepare=_prepare_sql_server,
    breaker=_break_pymssql,
    clock="SELECT GETDATE()",
    # The driver's own form is read as year, day, month where the login's language is British.
    moment=lambda value: value.isoformat("T", "seconds"),
    grammar=Grammar(brackets=True),
    words_decide=True,
)
SQL_SERVER_ODBC = replace(
    SQL_SERVER,
    extra="",
    requirement="pyodbc",
    modules=("pyodbc",),
    drivername="mssql+pyodbc",
    options=lambda _: {"timeout": CONNECT, "ApplicationIntent": "ReadOnly"},
    prepare=_prepare_pyodbc,
    breaker=_break_pyodbc,
)
"""Microsoft's own driver: for signing in as the Windows user."""
SQLITE = DatabaseSystem(
    name="SQLite",
    extra="",
    requirement="",
    modules=(),
    drivername="sqlite",
    options=lambda _: {"timeout": LOCKED, "check_same_thread": False},
    prepare=_prepare_sqlite,
    breaker=_break_sqlite,
    clock="SELECT datetime('now', 'localtime')",
    moment=lambda value: value.isoformat(" ", "seconds"),
    grammar=Grammar(brackets=True),
)
FIREBIRD = DatabaseSystem(
    name="Firebird",
    extra="firebird",
    requirement="firebirdsql sqlalchemy-firebirdsql",
    modules=("sqlalchemy_firebirdsql", "firebirdsql"),
    drivername="firebirdsql+syn",
    options=lambda limits: {
        "readonly": True,
        "timeout": limits.seconds + 5,
        "statement_timeout": limits.seconds,
    },
    prepare=_prepare_firebird,
    breaker=_break_firebird,
    clock="SELECT LOCALTIMESTAMP FROM RDB$DATABASE",
)
SYSTEMS = (POSTGRESQL, MYSQL, SQL_SERVER, SQL_SERVER_ODBC, SQLITE, FIREBIRD)
NAMES = {
    "postgresql": POSTGRESQL,
    "postgres": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "mssql": SQL_SERVER,
    "sqlserver": SQL_SERVER,
    "sqlite": SQLITE,
    "firebird": FIREBIRD,
} | {each.drivername: each for each in SYSTEMS}
"""As an address may begin."""
