"""Run by Alembic; `opening` passes a connection that is already inside a transaction.

So a migration happens whole or not at all, and Alembic's logging configuration stays out.
"""

from __future__ import annotations

from alembic import context

from companion.adapters.database.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
