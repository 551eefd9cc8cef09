"""A practice's book as an SQLite file: the same as the file of a home that keeps that book.

Its tables of a practice are empty, as a home's are: they say who works together where, which a
copy must not go on claiming.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert

from companion.adapters.database import sqlite
from companion.adapters.database.copying import copy_rows
from companion.adapters.database.schema import HEAD, metadata

_VERSION = Table(  # as Alembic makes it
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def write_copy(source: Connection, path: Path) -> None:
    """As of the one moment that the transaction of `source` sees; complete on disk before it takes
    the name `path`."""
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)
    sqlite.make_private(draft)
    try:
        _fill(source, draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _fill(source: Connection, draft: Path) -> None:
    engine = sqlite.writing_engine(draft)
    try:
        with engine.begin() as target:
            metadata.create_all(target)
            _VERSION.create(target)
            target.execute(insert(_VERSION), {"version_num": HEAD})
            copy_rows(source, target)
    finally:
        engine.dispose()
