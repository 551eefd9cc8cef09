"""What a database holds, looked at before anything of it is used, and before it is migrated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import URL, Connection, func, select, text

from companion.adapters.database.errors import translating
from companion.adapters.database.postgres import engine_of, revision_of
from companion.adapters.database.practice_row import PracticeRow, practice_in
from companion.adapters.database.schema import documents, practice, workstations
from companion.adapters.database.why_away import explaining

STILL_ON = timedelta(minutes=2)
"""A workstation that was seen within this time may be working."""
_READ = {documents.name, practice.name, workstations.name}
"""A version that is older, or newer, may have others besides."""
_TABLES = text(
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')"
    " AND relnamespace = current_schema()::regnamespace"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveWorkstation:
    """A workstation that may be working just now."""

    id: str
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseInspection:
    revision: str | None
    """None while there are no tables of ours."""
    foreign: bool
    """There are tables of something else, and none of ours."""
    row: PracticeRow | None
    settings_version: int
    """Of the documents; 0 where there are none."""
    seen: tuple[ActiveWorkstation, ...]
    """Without those that have stopped in order."""
    members: frozenset[str]
    """Ids of all workstations."""


def inspect_database(url: URL) -> DatabaseInspection:
    """Blocks. Raises DatabaseAway, StoreError."""
    engine = engine_of(url, 1)
    try:
        with explaining(url), translating(), engine.begin() as connection:
            return _look(connection)
    finally:
        engine.dispose()


def _look(connection: Connection) -> DatabaseInspection:
    tables = {name for (name,) in connection.execute(_TABLES)}
    revision = revision_of(connection)
    ready = tables >= _READ

    return DatabaseInspection(
        revision=revision,
        foreign=revision is None and bool(tables),
        row=practice_in(connection) if ready else None,
        settings_version=_settings_version(connection) if ready else 0,
        seen=_seen(connection) if ready else (),
        members=frozenset(connection.scalars(select(workstations.c.id))) if ready else frozenset(),
    )


def _seen(connection: Connection) -> tuple[ActiveWorkstation, ...]:
    since = func.clock_timestamp() - STILL_ON
    query = select(workstations.c.id, workstations.c.name, workstations.c.version).where(
        workstations.c.started_at.is_not(None), workstations.c.seen_at > since
    )
    rows = connection.execute(query.order_by(workstations.c.id))
    return tuple(ActiveWorkstation(id=row.id, name=row.name, version=row.version) for row in rows)


def _settings_version(connection: Connection) -> int:
    query = select(documents.c.body).where(documents.c.name == "settings/home")
    body = connection.scalar(query)
    try:
        rows = json.loads(body or "{}")
        return max((int(row["version"]) for row in rows.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
