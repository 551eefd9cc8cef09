"""Everything that only PostgreSQL needs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from companion.domain.errors import BadInput

DRIVER = "postgresql+psycopg"
MIGRATING = 0x0CA1_0001
"""The advisory lock of whoever migrates the tables."""
_CONNECT_SECONDS = 5
_KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""A cable that was pulled is noticed within some 25 seconds."""


def url_of(address: str | URL) -> URL:
    """Raises BadInput, which never shows the address: it holds a password."""
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.database:
        raise BadInput(
            "COMPANION_DATABASE_URL is not the address of a PostgreSQL database.",
            "Write it like postgresql+psycopg://user:password@server/database.",
            field="COMPANION_DATABASE_URL",
        )
    return url.set(drivername=DRIVER)


def engine_of(url: URL, connections: int) -> Engine:
    """Connects when it is first used."""
    given: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, **_KEEPALIVES}
    engine = create_engine(
        url,
        connect_args={**given, "application_name": "Calendar Companion"},
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _(raw: Any, _: object) -> None:
        raw.autocommit = True
        raw.execute("SET TIME ZONE 'UTC'")
        raw.autocommit = False

    return engine


def revision_of(connection: Connection) -> str | None:
    """None while there are no tables of ours."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)
