"""A practice's book as an SQLite file: the same as the file of a home that keeps that book.

Its tables of a practice are empty, as a home's are: they say who works together where, which a
copy must not go on claiming.
"""

from __future__ import annotations

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
    """As of the one moment that the transaction of `source` sees."""
    with sqlite.draft_of(path) as draft:
        engine = sqlite.writing_engine(draft)
        try:
            with engine.begin() as target:
                metadata.create_all(target)
                _VERSION.create(target)
                target.execute(insert(_VERSION), {"version_num": HEAD})
                copy_rows(source, target)
        finally:
            engine.dispose()
