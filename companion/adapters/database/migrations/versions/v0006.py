"""Where a client is visited, and the link of a video call.

Both tables are made anew and filled, as in 0003, so that they are to the letter those of a new
database.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from companion.adapters.database.migrations.early_columns import appointment_columns

revision = "0006"
down_revision = "0005"

TAKES_PART = sa.text("source_id <> ''")


def upgrade() -> None:
    op.drop_index("appointments_by_time", "appointments")
    op.drop_index("appointments_by_source", "appointments")
    _made_anew("appointments", [])
    op.create_index(
        "appointments_by_time", "appointments", ["practitioner_id", "shape", "earliest"]
    )
    op.create_index(
        "appointments_by_source",
        "appointments",
        ["source", "source_id"],
        unique=True,
        sqlite_where=TAKES_PART,
        postgresql_where=TAKES_PART,
    )
    _made_anew("replaced_appointments", [sa.Column("import_id", sa.Integer, primary_key=True)])


def _made_anew(table: str, first: list[sa.Column[Any]]) -> None:
    columns = [*first, *appointment_columns()]
    names = ", ".join(each.name for each in columns)
    op.rename_table(table, f"{table}_0005")
    op.create_table(
        table,
        *columns,
        sa.Column("visit_address", sa.Text, nullable=False),
        sa.Column("telehealth_link", sa.Text, nullable=False),
    )
    op.execute(
        f"INSERT INTO {table} ({names}, visit_address, telehealth_link) "  # noqa: S608 - no value of anybody's is in it
        f"SELECT {names}, '', '' FROM {table}_0005"
    )
    op.drop_table(f"{table}_0005")
