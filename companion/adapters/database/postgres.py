"""What is true of PostgreSQL alone: addresses, pools of connections, and what is in a database.

Nothing here needs the driver before an engine connects: a home that is no practice never loads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError

from companion.adapters.database.opening import is_current as is_current_file
from companion.domain.errors import BadInput, StoreError, StoreTooNew

if TYPE_CHECKING:
    from companion.adapters.database.postgres_connection import WatchedConnection

DRIVER = "postgresql+psycopg"
MIGRATING = 0x0CA1_0001
"""The advisory lock of whoever changes the tables."""
ALIVE = {"idle": 10, "interval": 5, "count": 3}
"""Seconds, and times, after which a session whose computer is silent is given up."""
CONNECT_SECONDS = 5
LOCK_SECONDS = 10
"""How long a row is waited for."""
BOOK_SECONDS = 30
"""How long the book is waited for while another workstation imports."""


def url_of(address: str | URL) -> URL:
    """Raises BadInput, which never shows the address: it holds a password."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    named = url is not None and url.get_backend_name() == "postgresql" and url.database
    if url is None or not named or "@" in (url.host or ""):  # that is the end of a password
        raise BadInput(
            "That is not the address of a PostgreSQL database.",
            "Write it like postgresql://USER:PASSWORD@SERVER/DATABASE?sslmode=require; in the "
            "password @ is written %40, / is %2F, : is %3A and % is %25.",
            field="COMPANION_DATABASE_URL",
        )
    return url.set(drivername=DRIVER)


def given_by(url: URL) -> dict[str, Any]:
    """What the driver is told: our patience with the network, and whatever the address says."""
    _, given = url.get_dialect()().create_connect_args(url)
    ours: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives": 1,
        **{f"keepalives_{name}": each for name, each in ALIVE.items()},
        "tcp_user_timeout": 20_000,
        "application_name": "Calendar Companion",
        "client_encoding": "UTF8",
    }
    return {**ours, **given}


def engine_of(url: URL, connections: int) -> Engine:
    """Connects when it is first used; two connections stay while nothing is done."""
    kept = min(2, connections)

    def connect() -> WatchedConnection:
        from companion.adapters.database.postgres_connection import connected

        return connected(url)

    return create_engine(
        url,
        creator=connect,
        pool_size=kept,
        max_overflow=connections - kept,
        pool_use_lifo=True,
        hide_parameters=True,
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
