"""INSERTs that meet a row which is there already, on SQLite and on PostgreSQL alike.

They are built with SQLAlchemy's construct for SQLite. PostgreSQL's has the same words under the
same names, but importing that dialect takes a twentieth of every start; so its compiler is given
ours, which lacks only what SQLite does not have: a constraint's name as the target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


def upsert(table: Table, *, set_: Callable[[Insert], Mapping[str, Any]] | None = None) -> Insert:
    """INSERT that updates the row of its primary key instead: every other column, or `set_`."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    if set_ is None:
        changes: Mapping[str, Any] = {
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        }
    else:
        changes = set_(statement)
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def insert_new(table: Table) -> Insert:
    """INSERT that leaves a row alone which is there already, by any unique key."""
    return insert(table).on_conflict_do_nothing()


@compiles(OnConflictDoUpdate, "postgresql")
def _update_on_postgresql(clause: Any, compiler: SQLCompiler, **options: Any) -> str:
    clause.constraint_target = None
    made: str = compiler.visit_on_conflict_do_update(clause, **options)  # type: ignore[attr-defined] # of PostgreSQL's compiler
    return made


@compiles(OnConflictDoNothing, "postgresql")
def _nothing_on_postgresql(clause: Any, compiler: SQLCompiler, **options: Any) -> str:
    clause.constraint_target = None
    made: str = compiler.visit_on_conflict_do_nothing(clause, **options)  # type: ignore[attr-defined] # of PostgreSQL's compiler
    return made
