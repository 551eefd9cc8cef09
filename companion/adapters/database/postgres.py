"""Connections to PostgreSQL: made, checked, and never waited for without end.

A session keeps time in UTC, is sure of its commits, gives up a lock or a statement that takes too
long, and ends where its workstation has gone: the network tells the server within half a minute,
and a transaction whose program sleeps is ended so that the others may go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError

from companion.adapters.database.opening import is_current as is_current_file
from companion.domain.errors import BadInput, StoreError, StoreTooNew

Answer = TypeVar("Answer")

DRIVER = "postgresql+psycopg"
OLDEST_SERVER = 14
MIGRATING = 0x0CA1_0001
"""The advisory lock of whoever changes the tables."""
CONNECT_SECONDS = 5
LOCK_SECONDS = 10
"""How long a row is waited for."""
BOOK_SECONDS = 30
"""How long the book is waited for while another workstation imports."""
STATEMENT_SECONDS = 60
ANSWER_SECONDS = 75.0
"""Without a byte of the server's, which would have given up by itself: it is not there."""
_PATIENT_SECONDS = 2.0
"""A statement is let finish so long, though nobody wants its answer any more."""
_ALIVE = {"idle": 10, "interval": 5, "count": 3}
_SESSION = {
    "TimeZone": "UTC",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": "20s",
    **{f"tcp_keepalives_{name}": str(each) for name, each in _ALIVE.items()},
}


def url_of(address: str | URL) -> URL:
    """Raises BadInput, which never shows the address: it holds a password."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.database:
        raise BadInput(
            "COMPANION_DATABASE_URL is not the address of a PostgreSQL database.",
            "Write it like postgresql+psycopg://user:password@server/database.",
            field="COMPANION_DATABASE_URL",
        )
    return url.set(drivername=DRIVER)


class WatchedConnection(psycopg.Connection[Any]):
    """Closes itself rather than wait for a server that is not there, or for what nobody wants."""

    answer_seconds = ANSWER_SECONDS
    unwanted: threading.Event | None = None
    """Of the piece of work that uses it now."""

    def wait(self, gen: PQGen[Answer], *args: Any, **kwargs: Any) -> Answer:
        return super().wait(self._watched(gen), *args, **kwargs)

    def _watched(self, gen: PQGen[Answer]) -> Generator[Any, Any, Answer]:
        try:
            wanted = next(gen)
            since = 0.0
            while True:
                ready = yield wanted
                if ready:
                    since = 0.0
                else:  # nothing came for a tenth of a second
                    since = since or time.monotonic()
                    self._check(time.monotonic() - since)
                wanted = gen.send(ready)
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    def _check(self, waited: float) -> None:
        nobody = self.unwanted is not None and self.unwanted.is_set()
        if waited > self.answer_seconds or (nobody and waited > _PATIENT_SECONDS):
            self.pgconn.finish()
            raise psycopg.OperationalError("no answer")


def engine_of(url: URL, connections: int) -> Engine:
    """Connects when it is first used; two connections stay while nothing is done."""
    kept = min(2, connections)
    return create_engine(
        url,
        creator=lambda: connected(url),
        pool_size=kept,
        max_overflow=connections - kept,
        pool_use_lifo=True,
        hide_parameters=True,
    )


def connected(url: URL) -> WatchedConnection:
    given: dict[str, Any] = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
        "connect_timeout": CONNECT_SECONDS,
        "keepalives": 1,
        **{f"keepalives_{name}": each for name, each in _ALIVE.items()},
        "tcp_user_timeout": 25_000,
        "application_name": "Calendar Companion",
        "client_encoding": "UTF8",
        **url.query,
    }
    wanted = {name: each for name, each in given.items() if each is not None}
    made = WatchedConnection.connect(**wanted, autocommit=True)
    made.prepare_threshold = None  # plans that know the values, and none that a migration breaks
    try:
        _begin_session(made)
    except BaseException:
        made.close()
        raise
    made.autocommit = False
    return made


def _begin_session(raw: WatchedConnection) -> None:
    check_server(
        raw.info.server_version,
        raw.info.parameter_status("server_encoding"),
        raw.info.parameter_status("in_hot_standby"),
    )
    sets = ", ".join(f"set_config('{name}', '{each}', false)" for name, each in _SESSION.items())
    sure = (
        "set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
        " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)"
    )
    raw.execute(f"SELECT {sets}, {sure}".encode())


def check_server(version: int, encoding: str | None, stand_by: str | None) -> None:
    """Raises StoreError for one that cannot keep a practice."""
    if version < OLDEST_SERVER * 10_000:
        raise StoreError(
            f"The database server is PostgreSQL {version // 10_000}, which is too old.",
            f"Ask whoever looks after it for PostgreSQL {OLDEST_SERVER} or later.",
        )
    if encoding != "UTF8":
        raise StoreError(
            "The practice's database cannot keep every letter: its encoding is not UTF8.",
            "Ask whoever looks after the database server for a database made with ENCODING 'UTF8'.",
            detail=f"{encoding}",
        )
    if stand_by == "on":
        raise StoreError(
            "The database server is a stand-by copy, which can only be read.",
            "Ask whoever looks after it for the address of the server that may be written to.",
        )


def revision_of(connection: Connection) -> str | None:
    """None while there are no tables of ours. Raises StoreError for another program's."""
    asked = "SELECT to_regclass('alembic_version'), to_regclass('practitioner_revisions')"
    versions, ours = connection.execute(text(asked)).one()
    if versions is None:
        return None
    found = connection.scalar(text("SELECT max(version_num) FROM alembic_version"))
    if found is not None and ours is None:
        raise StoreError(
            "The database holds tables of another program.",
            "Ask whoever looks after the database server for an empty database.",
        )
    return None if found is None else str(found)


def is_current(revision: str | None) -> bool:
    """Raises StoreTooNew for a revision that this program does not know."""
    try:
        return is_current_file(revision)
    except StoreTooNew as error:
        raise StoreTooNew(
            "Another workstation of the practice has a newer version of Calendar Companion.",
            "Update this workstation, then start it again; nothing was changed.",
            detail=error.detail,
        ) from None


_LACKING = text(
    "SELECT relname FROM pg_class"
    " WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'imports'::regclass)"
    " AND relname = ANY(:tables) AND NOT (has_table_privilege(oid, 'SELECT')"
    " AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')"
    " AND has_table_privilege(oid, 'DELETE'))"
    " ORDER BY relname"
)


def check_rights(connection: Connection, tables: list[str]) -> None:
    """Raises StoreError where this user may not read and write all `tables`."""
    lacking = connection.scalars(_LACKING, {"tables": tables}).all()
    if lacking:
        named = ", ".join(lacking[:3]) + (" and more" if len(lacking) > 3 else "")
        raise StoreError(
            "This workstation's user may not read and write everything in the practice's database: "
            f"{named}.",
            "Ask whoever looks after the database server to make the user the owner of the tables, "
            "or to grant SELECT, INSERT, UPDATE and DELETE on them.",
        )


def check_direct(engine: Engine) -> None:
    """Raises StoreError where a pooler gives each transaction any session: locks that outlast one,
    settings and notices would go to others. PgBouncer then answers two transactions of one
    connection from two sessions when another connection comes between them."""
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if raw.info.backend_pid == _session_of(connection):
            return
        with engine.connect() as another:
            before = _session_of(connection)
            another.scalar(text("SELECT pg_backend_pid()"))  # stays in its transaction
            direct = _session_of(connection) == before
    if not direct:
        raise POOLED


def _session_of(connection: Connection) -> int:
    found = connection.scalar(text("SELECT pg_backend_pid()"))
    connection.commit()
    return int(found or 0)


POOLED = StoreError(
    "The address leads to a connection pooler such as PgBouncer, not to PostgreSQL itself.",
    "Ask whoever looks after the database server for PostgreSQL's own address and port, often "
    "5432, or for a pooler in session mode.",
)
